import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Random } from '../../../math/random.ts';
import type { FakeCity } from './city.ts';
import { damaged, drip, huge } from './damage.ts';
import type { Fault } from './faults.ts';
import { cityRecordOf, nationalAnswerOf, nationalIdOf } from './messages.ts';

const HTML = '<!DOCTYPE html><html><body><h1>Service check in progress</h1></body></html>';
const QUOTA = { responseCode: 429, message: 'Rate limit exceeded.' };
const MAX_BODY = 65_536;
/** for `garbage` */
const random = new Random(6);

/**
 * The fake city over HTTP: `/city/…` as T-Data, `/national/tl_drct_info` as KLID; `GET /truth`, `GET /config`, and `GET`
 * and `PUT /faults` for the person at the desk.
 */
export function makeHttp(city: FakeCity): Server {
  return createServer((request, response) => {
    route(city, request, response).catch((error: Error) => send(response, 400, { error: error.message }));
  });
}

async function route(city: FakeCity, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://city');
  const [, area, feed] = url.pathname.split('/');
  if (area === 'city') return vendor(city.faults.city, response, () => cityBody(city, feed ?? '', url));
  if (area === 'national') return vendor(city.faults.national, response, () => nationalBody(city, url));
  if (url.pathname === '/truth') return send(response, 200, city.truth());
  if (url.pathname === '/config') return send(response, 200, city.config());
  if (url.pathname === '/faults' && request.method === 'PUT')
    city.setFaults(JSON.parse(await bodyOf(request)));
  if (url.pathname === '/faults') return send(response, 200, city.faults);
  send(response, 404, {
    error: `expected /city, /national, /truth, /config or /faults, found ${url.pathname}`,
  });
}

/** undefined of `body`: no such intersection or feed. */
async function vendor(fault: Fault, response: ServerResponse, body: () => unknown): Promise<void> {
  if (fault.silence) return;
  if (fault.latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, fault.latencyMs));
  if (response.destroyed) return;
  if (fault.dripping) return drip(response);
  if (fault.huge) {
    response.end(huge());
    return;
  }
  if (fault.quota && fault.html) return send(response, 200, QUOTA);
  if (fault.quota) {
    response.setHeader('retry-after', '5');
    return send(response, 429, QUOTA);
  }
  if (fault.html) {
    response.setHeader('content-type', 'text/html');
    response.end(HTML);
    return;
  }
  const found = body();
  if (found === undefined) send(response, 404, {});
  else if (fault.garbage) response.end(damaged(Buffer.from(JSON.stringify(found)), random));
  else send(response, 200, found);
}

function cityBody(city: FakeCity, feed: string, url: URL): unknown {
  const id = url.searchParams.get('itstId') ?? '';
  const looks = city.looks('city', (signal) => signal.externalId === id);
  const parts = { names: /Phase(?:TimingFusion)?Information/.test(feed), timing: /Timing/.test(feed) };
  if (!/^v2xSignalPhase/.test(feed)) return undefined;
  if (looks.length === 0) return [];
  return [cityRecordOf(city.faults.city.wrongId ? `${id}9` : id, looks, parts)];
}

function nationalBody(city: FakeCity, url: URL): unknown {
  const id = `${url.searchParams.get('stdgCd')}:${url.searchParams.get('crsrdId')}`;
  const looks = city.looks('national', ({ externalId }) => nationalIdOf(externalId) === id);
  if (looks.length === 0)
    return { header: { resultCode: 'K0', resultMsg: 'NORMAL_SERVICE' }, body: { items: '' } };
  return nationalAnswerOf(city.faults.national.wrongId ? `${id}9` : id, looks);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > MAX_BODY) throw new Error(`expected at most ${MAX_BODY} bytes`);
  }
  return text;
}

function send(response: ServerResponse, status: number, value: unknown): void {
  response.statusCode = status;
  if (!response.hasHeader('content-type')) response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(value));
}
