/** The part of rclnodejs 2.2 that we use, so that types do not need the optional package. */
declare module 'rclnodejs' {
  namespace rclnodejs {
    type Callback = (message: unknown) => void;
    interface Publisher {
      publish(message: object): void;
      readonly subscriptionCount: number;
    }
    interface Response {
      readonly template: object;
      send(value: object): void;
    }
    interface Node {
      createPublisher(type: string, topic: string, options: object): Publisher;
      createSubscription(type: string, topic: string, options: object, callback: Callback): object;
      createService(
        type: string,
        name: string,
        callback: (request: unknown, response: Response) => void,
      ): object;
      destroyPublisher(publisher: Publisher): void;
      destroySubscription(subscription: object): void;
      destroyService(service: object): void;
      getParameters(): readonly { readonly name: string; readonly value: unknown }[];
      getLogger(): Record<'info' | 'warn' | 'error', (text: string) => void>;
      now(): { readonly nanoseconds: bigint };
      spin(timeoutMs?: number): void;
      configure(): unknown;
      activate(): unknown;
      deactivate(): unknown;
      cleanup(): unknown;
      shutdown(): unknown;
      readonly currentState: { readonly id: number; readonly label: string };
      registerOnConfigure(callback: () => number): void;
      registerOnActivate(callback: () => number): void;
      registerOnDeactivate(callback: () => number): void;
      registerOnCleanup(callback: () => number): void;
      registerOnShutdown(callback: () => number): void;
      registerOnError(callback: () => number): void;
      _onChangeState(request: unknown, response: Response): void;
    }
    interface NodeOptions {
      automaticallyDeclareParametersFromOverrides: boolean;
    }
  }
  const rclnodejs: {
    init(context: unknown, argv: readonly string[]): Promise<void>;
    createLifecycleNode(
      name: string,
      namespace: string,
      context: unknown,
      options: rclnodejs.NodeOptions,
    ): rclnodejs.Node;
    shutdown(): void;
    isShutdown(): boolean;
    require(type: string): unknown;
    readonly Context: { defaultContext(): unknown };
    readonly NodeOptions: new () => rclnodejs.NodeOptions;
    readonly QoS: new (history: number, depth: number, reliability: number, durability: number) => object;
    readonly lifecycle: { readonly CallbackReturnCode: Record<'SUCCESS' | 'FAILURE' | 'ERROR', number> };
  };

  export type { Node };
  export = rclnodejs;
}
