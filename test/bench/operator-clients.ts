/** A process of its own: operators who read what they are sent, and one whose line carries 10 kB/s. */
import { connect, createServer } from 'node:net';
import WebSocket from 'ws';

const SLOW = { bytes: 500, everyMs: 50 };

interface Heard {
  /** ms from the robot's call to this process's ears, one per pose */
  readonly latencies: number[];
  readonly seqs: number[];
  clouds: number;
  isEnded: boolean;
}

/** Only as much as is needed is read: fifty operators sit at fifty computers, here they share the robot's. */
const HEAD = /"seq":(\d+),"type":"(\w+)"(?:,"at":[\d.]+,"stamp":([\d.]+))?/;

const clients: Heard[] = [];

/** The robot puts the monotonic clock of the machine into its stamps: both processes read the same one. */
const monotonicMs = () => Number(process.hrtime.bigint()) / 1e6;

function join(url: string, token: string): Heard {
  const heard: Heard = { latencies: [], seqs: [], clouds: 0, isEnded: false };
  const socket = new WebSocket(url, ['dilly.operator.v1', `bearer.${token}`]);
  socket.on('open', () => socket.send('{"type":"resume"}'));
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) {
      heard.clouds++;
      return;
    }
    const [, seq, type, stamp] = HEAD.exec(data.toString('latin1', 0, 200)) ?? [];
    if (type === 'status') heard.latencies.push(monotonicMs() - 1000 * Number(stamp));
    else if (type === 'event') heard.seqs.push(Number(seq));
  });
  socket.on('close', () => (heard.isEnded = true));
  socket.on('error', () => {});
  return heard;
}

/** The address of a line to `url` that lets 10 kB/s through from there, and holds next to nothing itself. */
function slowLine(url: string): Promise<string> {
  const server = createServer((near) => {
    const far = connect({
      port: Number(new URL(url).port),
      host: '127.0.0.1',
      onread: {
        buffer: Buffer.alloc(SLOW.bytes),
        callback: (count, buffer) => {
          near.write(Buffer.from(buffer.subarray(0, count)));
          setTimeout(() => far.resume(), SLOW.everyMs);
          return false;
        },
      },
    });
    near.pipe(far);
    for (const socket of [near, far]) socket.on('error', () => {});
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address() as { port: number };
      resolve(`ws://127.0.0.1:${address.port}`);
    });
  });
}

process.on('message', async (message: { url: string; tokens: string[] } | 'forget' | 'tell') => {
  if (message === 'forget') {
    for (const { latencies } of clients) latencies.length = 0;
    return;
  }
  if (message === 'tell') {
    process.send!(clients);
    return;
  }
  const [slow, ...quick] = message.tokens;
  const line = await slowLine(message.url);
  clients.push(join(line, slow!), ...quick.map((token) => join(message.url, token)));
});
