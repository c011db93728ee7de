import { createSocket } from 'node:dgram';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { Refusal } from '../../../types.ts';

/** The way that packets to a host take from here now. */
export interface WayOut {
  /** of this machine on that way */
  readonly address: string;
  /** `eth0`; undefined where it is gone already */
  readonly interface: string | undefined;
}

/** Asks the routing table without sending anything. Undefined: there is no way. */
export function wayTo(host: string, port: number): Promise<WayOut | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    const end = (way: WayOut | undefined) => {
      socket.close();
      resolve(way);
    };
    // With a callback Node hands a failure (no such host, no route) to it and raises no event.
    socket.connect(port, host, (error?: Error) => {
      if (error) return end(undefined);
      const { address } = socket.address();
      return end({ address, interface: interfaceOf(address) });
    });
  });
}

function interfaceOf(address: string): string | undefined {
  return Object.entries(networkInterfaces()).find(([, all]) =>
    all?.some((one) => one.address === address),
  )?.[0];
}

/** Whether a way is one of those that are permitted. Throws a Refusal `bad-config` for a range that is none. */
export function isPermitted(way: WayOut, networks: readonly string[]): boolean {
  const own = isIP(way.address);
  return networks.some((network) => {
    if (!network.includes('/')) return network === way.interface;
    const [address, bits] = network.split('/');
    const version = isIP(address!);
    const length = /^\d{1,3}$/.test(bits ?? '') ? Number(bits) : Number.NaN;
    if (version === 0 || !(length <= (version === 4 ? 32 : 128)))
      throw new Refusal(
        'bad-config',
        `recorder.upload.networks: expected an interface or a range like 10.0.0.0/8, found ${network}`,
      );
    const family = version === 4 ? 'ipv4' : 'ipv6';
    const range = new BlockList();
    range.addSubnet(address!, length, family);
    // ::/0 holds all of IPv4 too as Node sees it; nobody who writes it means that.
    return own === version && range.check(way.address, family);
  });
}
