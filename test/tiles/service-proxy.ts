import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What stands between a robot and the service; false: it passes the answer on as it is. */
export type Spoiler = (
  path: string,
  answer: { readonly status: number; readonly headers: Record<string, string>; readonly body: Buffer },
  response: ServerResponse,
) => boolean;

/** A proxy on loopback in front of the map service, which passes everything on but what its `spoil` takes. */
export class ServiceProxy {
  spoil: Spoiler = () => false;
  /** where the service is now; undefined: nowhere */
  target: string | undefined;
  url = '';
  readonly asked: { readonly path: string; readonly range: string | undefined; readonly method: string }[] =
    [];
  readonly #server: Server;

  private constructor(target: string) {
    this.target = target;
    this.#server = createServer((request, response) => {
      this.#pass(request, response).catch(() => response.destroy());
    });
  }

  static async start(target: string): Promise<ServiceProxy> {
    const proxy = new ServiceProxy(target);
    await new Promise<void>((done) => proxy.#server.listen(0, '127.0.0.1', done));
    proxy.url = `http://127.0.0.1:${(proxy.#server.address() as AddressInfo).port}`;
    return proxy;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url!;
    this.asked.push({ path, range: request.headers.range, method: request.method! });
    if (this.target === undefined) throw new Error('there is no service');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { host: _, connection: __, 'content-length': ___, ...headers } = request.headers;
    const answer = await fetch(this.target + path, {
      method: request.method!,
      headers: headers as Record<string, string>,
      ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
    });
    const body = Buffer.from(await answer.arrayBuffer());
    const kept = [...answer.headers].filter(
      ([name]) => !['connection', 'keep-alive', 'transfer-encoding'].includes(name),
    );
    const whole = { status: answer.status, headers: Object.fromEntries(kept), body };
    if (this.spoil(path, whole, response)) return;
    response.writeHead(whole.status, whole.headers).end(body);
  }
}
