import { Refusal } from '../../types.ts';
import { excerpt, isRecord, type Json } from './body.ts';
import { type Mark, type SpatIntersection, type SpatMovement, STATUS_BITS } from './spat.ts';

/**
 * The intersections of a SPaT in JSON: as the ODE writes it (`payload.data.intersectionStateList`), as its GeoJSON
 * converter does (`messageType: SPAT`), by the names of the standard (`intersections`, `state-time-speed`), or as V2X
 * Hub's flat lists. Movements that cannot be read are left out, so that their signals are missing, not guessed.
 * Throws a Refusal `not-a-spat`.
 */
export function spatFromJson(message: unknown): SpatIntersection[] {
  const body = inner(message);
  if (!body) throw new Refusal('not-a-spat', `expected a SPaT, found ${excerpt(message)}`);
  const list = isRecord(body.intersectionStateList)
    ? body.intersectionStateList.intersectionStatelist
    : body.intersections;
  const rows = Array.isArray(list) ? list : [body];
  const found = rows.filter(isRecord).flatMap((row) => intersectionOf(row, body));
  if (found.length === 0)
    throw new Refusal('not-a-spat', `expected an intersection with id and states, found ${excerpt(body)}`);
  return found;
}

/** Leaves envelopes: the ODE's `payload.data`, a MessageFrame's `value`, an element `SPAT`. */
function inner(message: unknown): Json | undefined {
  let at = message;
  for (let depth = 0; depth < 6 && isRecord(at); depth++) {
    const next: unknown =
      (isRecord(at.payload) && at.payload.data) || at.MessageFrame || at.SPAT || at.spat || at.value;
    if (!isRecord(next)) return at;
    at = next;
  }
  return undefined;
}

function intersectionOf(row: Json, message: Json): SpatIntersection[] {
  const reference = isRecord(row.id) ? row.id : row;
  const id = integer(reference.id ?? row.intersectionId);
  const movements = movementsOf(row);
  if (id === undefined || !movements) return [];
  const region = integer(reference.region ?? row.regionId);
  // The message's own minute; the ODE writes 0 where there is none.
  const moy = integer(row.moy) ?? (row === message ? undefined : integer(message.timeStamp) || undefined);
  const timeStamp = integer(row.timeStamp);
  const utcTime = utc(row.utcTimeStamp);
  return [
    {
      id,
      status: statusOf(row.status),
      movements,
      ...(region !== undefined && { region }),
      ...(moy !== undefined && { moy }),
      ...(timeStamp !== undefined && { timeStamp }),
      ...(utcTime !== undefined && { utcTime }),
    },
  ];
}

function movementsOf(row: Json): SpatMovement[] | undefined {
  if (Array.isArray(row.signalGroup)) return flatMovements(row);
  const list = isRecord(row.states) ? row.states.movementList : row.states;
  if (!Array.isArray(list)) return undefined;
  return list.filter(isRecord).flatMap((movement) => {
    const signalGroup = integer(movement.signalGroup);
    const speed = movement.state_time_speed ?? movement['state-time-speed'] ?? movement.stateTimeSpeed;
    const events = isRecord(speed) ? speed.movementEventList : speed;
    // The first event is what shows now; the others come later.
    const event: unknown = Array.isArray(events) ? events[0] : undefined;
    if (signalGroup === undefined || !isRecord(event) || typeof event.eventState !== 'string') return [];
    const timing = isRecord(event.timing) ? event.timing : {};
    return [
      {
        signalGroup,
        eventState: event.eventState,
        ...marks(timing.minEndTime, timing.maxEndTime, timing.likelyTime),
      },
    ];
  });
}

/** V2X Hub: lists side by side, numbers as text. */
function flatMovements(row: Json): SpatMovement[] {
  const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
  const states = list(row.eventState);
  const [min, max] = [list(row.minEndTime), list(row.maxEndTime)];
  return list(row.signalGroup).flatMap((group, i) => {
    const signalGroup = integer(group);
    const eventState = states[i];
    if (signalGroup === undefined || typeof eventState !== 'string') return [];
    return [{ signalGroup, eventState, ...marks(min[i], max[i], undefined) }];
  });
}

function marks(
  min: unknown,
  max: unknown,
  likelyEnd: unknown,
): Omit<SpatMovement, 'signalGroup' | 'eventState'> {
  const [minEnd, maxEnd, likely] = [markOf(min), markOf(max), markOf(likelyEnd)];
  return { ...(minEnd && { minEnd }), ...(maxEnd && { maxEnd }), ...(likely && { likely }) };
}

function markOf(value: unknown): Mark | undefined {
  const utcTime = utc(value);
  if (utcTime !== undefined) return { utcTime };
  const tenths = integer(value);
  return tenths === undefined ? undefined : { tenths };
}

function utc(value: unknown): number | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)) return undefined;
  const time = Date.parse(value);
  return Number.isNaN(time) ? undefined : time;
}

/**
 * As an object of booleans, as text of bits (first is bit 0), as four hex digits, or as the names of set bits, case
 * ignored. The standard demands a status: what cannot be read counts as "no valid SPaT".
 */
function statusOf(status: unknown): number {
  if (isRecord(status)) return mask((name) => status[name] === true);
  const text = typeof status === 'string' ? status.trim() : '';
  if (/^[01]{14,16}$/.test(text)) return mask((_, bit) => text[bit] === '1');
  if (/^[\da-f]{4}$/i.test(text))
    return mask((_, bit) => ((Number.parseInt(text, 16) << bit) & 0x8000) !== 0);
  const names = text.toLowerCase().split(/[^a-z]+/);
  const known = STATUS_BITS.map((name) => name.toLowerCase());
  const understood = names.every((name) => known.includes(name));
  return understood ? mask((_, bit) => names.includes(known[bit]!)) : mask((name) => name === NOT_VALID);
}

const NOT_VALID = 'noValidSPATisAvailableAtThisTime';

function mask(isSet: (name: string, bit: number) => boolean): number {
  return STATUS_BITS.reduce((all, name, bit) => (isSet(name, bit) ? all | (1 << bit) : all), 0);
}

function integer(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d{1,9}$/.test(value.trim()) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}
