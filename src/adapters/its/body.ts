import { Refusal } from '../../types.ts';

export type Json = Readonly<Record<string, unknown>>;

/** Codes that public feeds answer for "done": data.go.kr 00, KLID K0. */
const DONE = new Set(['00', '0', 'K0', '200', 'INFO-000']);
/** data.go.kr: 22 too many requests; 20, 30 … 33 key unknown, expired, not allowed. T-Data (apiman) says it in words. */
const QUOTA = /limited.?number.?of.?service.?requests|quota|rate.?limit|too many requests|exceed/i;
const QUOTA_CODES = new Set(['22', '429']);
const KEY_CODES = new Set(['20', '30', '31', '32', '33', '401', '403']);

/**
 * A vendor's body as JSON. Throws a Refusal: `html-body` (an error page, whatever its status), `xml-body`, `quota`,
 * `key-refused`, `vendor-error`, `bad-json`.
 */
export function parseBody(bytes: Uint8Array): unknown {
  const text = decodeText(bytes).trimStart();
  if (text.startsWith('<')) refuseMarkup(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Refusal('bad-json', `expected JSON, found ${excerpt(text)} (${(error as Error).message})`);
  }
  if (isRecord(value)) refuseErrorBody(value);
  return value;
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Refusal('bad-json', `expected UTF-8 text, found ${bytes.length} bytes that are not`);
  }
}

/** data.go.kr answers errors of its gateway as XML (`OpenAPI_ServiceResponse`), whatever format was asked for. */
function refuseMarkup(text: string): never {
  if (/<(?:!doctype\s+html|html)\b/i.test(text.slice(0, 500)))
    throw new Refusal(
      'html-body',
      `expected JSON, found an HTML page: ${excerpt(text)}; check the vendor's url`,
    );
  const code = /<returnReasonCode>\s*(\w+)/.exec(text.slice(0, 4000))?.[1];
  const words = /<returnAuthMsg>\s*([^<]*)/.exec(text.slice(0, 4000))?.[1] ?? excerpt(text);
  if (code !== undefined) refuseCode(code, words);
  throw new Refusal('xml-body', `expected JSON, found XML: ${excerpt(text)}`);
}

/** Looks for a result code where feeds put one: at the top, in `header`, in `response.header`, in apiman's failures. */
function refuseErrorBody(body: Json): void {
  const response = isRecord(body.response) ? body.response : undefined;
  for (const place of [body, body.header, response?.header, body.cmmMsgHeader, body.result]) {
    if (!isRecord(place)) continue;
    const code = place.resultCode ?? place.returnReasonCode ?? place.responseCode ?? place.errorCode;
    const words = place.resultMsg ?? place.returnAuthMsg ?? place.message ?? place.errMsg ?? place.error;
    if (typeof code === 'string' || typeof code === 'number') refuseCode(String(code), textOf(words));
    else if (typeof words === 'string' && QUOTA.test(words)) refuseCode('22', words);
  }
}

function refuseCode(code: string, words: string): void {
  const said = `the vendor answered code ${code}: ${excerpt(words)}`;
  if (QUOTA_CODES.has(code) || QUOTA.test(words)) throw new Refusal('quota', said);
  if (KEY_CODES.has(code)) throw new Refusal('key-refused', `${said}; check the key`);
  if (!DONE.has(code)) throw new Refusal('vendor-error', said);
}

/** At most 80 characters on one line, for a message. */
export function excerpt(value: unknown): string {
  const text = textOf(value).replaceAll(/\s+/g, ' ');
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** Objects by their keys alone: what a vendor sends may be too deep to be written out. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (isRecord(value)) return `an object of ${Object.keys(value).slice(0, 8).join(', ') || 'nothing'}`;
  return value === undefined ? 'nothing' : String(value);
}

export function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
