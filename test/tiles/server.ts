import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** What a server does with one request instead of what it should; false: it answers as it should. */
export type Mischief = (request: IncomingMessage, response: ServerResponse, bytes: Uint8Array) => boolean;

/** A map service on loopback that serves files with ranges and strong ETags, and misbehaves on demand. */
export class MapServer {
  files: Map<string, Uint8Array>;
  mischief: Mischief = () => false;
  url = '';
  weakEtags = false;
  /** the service's Date header; default: as the fixture's drives are */
  date = 'Fri, 27 Nov 2026 00:00:00 GMT';
  readonly requests: { path: string; range: string | undefined; ifMatch: string | undefined }[] = [];
  bytesSent = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(files: Map<string, Uint8Array>) {
    this.files = files;
    this.#server = createServer((request, response) => this.#answer(request, response));
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(files: Map<string, Uint8Array>): Promise<MapServer> {
    const server = new MapServer(files);
    await new Promise<void>((done) => server.#server.listen(0, '127.0.0.1', done));
    server.url = `http://127.0.0.1:${(server.#server.address() as AddressInfo).port}/v1/maps/yard`;
    return server;
  }

  count(part: string): number {
    return this.requests.filter(({ path }) => path.includes(part)).length;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.#server.close(done));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url!.replace('/v1/maps/yard/', '');
    const range = request.headers.range;
    const ifMatch = request.headers['if-match'];
    this.requests.push({ path, range, ifMatch });
    response.sendDate = false;
    response.setHeader('date', this.date);
    const bytes = this.files.get(path);
    if (!bytes) {
      response.writeHead(404).end();
      return;
    }
    if (this.mischief(request, response, bytes)) return;
    const etag = `${this.weakEtags ? 'W/' : ''}"${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}"`;
    response.setHeader('etag', etag);
    if (request.headers['if-none-match'] === etag) {
      response.writeHead(304).end();
      return;
    }
    if (ifMatch !== undefined && ifMatch !== etag) {
      response.writeHead(412).end();
      return;
    }
    const from = Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0);
    const rest = bytes.subarray(from);
    this.bytesSent += rest.length;
    if (from > 0) response.setHeader('content-range', `bytes ${from}-${bytes.length - 1}/${bytes.length}`);
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': rest.length }).end(rest);
  }
}

/** Sends the headers of the whole file, some of its bytes, and then cuts the line. */
export function cutAfter(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Uint8Array,
  sent: number,
  etag: string,
): void {
  const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const rest = bytes.subarray(from);
  if (from > 0) response.setHeader('content-range', `bytes ${from}-${bytes.length - 1}/${bytes.length}`);
  response.writeHead(from > 0 ? 206 : 200, { etag, 'content-length': rest.length });
  response.flushHeaders();
  response.write(rest.subarray(0, sent), () => response.socket?.destroy());
}
