import { setTimeout as pause } from 'node:timers/promises';
import { note } from './measure.ts';
import type { Row } from './row.ts';
import { delayDuring, ScanLoop } from './scan-loop.ts';

const SECONDS = 10;

/** How long the event loop is kept waiting while scans are localised at 10 Hz for 10 s, and while nothing is done. */
export async function run(): Promise<Row[]> {
  const loop = await ScanLoop.open();
  const idle = await delayDuring(() => pause(3000));
  let scans = 0;
  const busy = await delayDuring(async () => {
    scans = await loop.run(SECONDS);
  });
  note(
    `event loop: ${scans} scans in ${SECONDS} s; idle p99 ${idle.p99.toFixed(2)} ms, worst ${busy.max.toFixed(2)} ms`,
  );
  return [
    {
      id: 'eventLoop.delay.p99',
      value: busy.p99,
      unit: 'ms',
      bar: { of: 'value', at: 'most', limit: 5 },
    },
    { id: 'eventLoop.delay.p50', value: busy.p50, unit: 'ms' },
    // Whether it was 10 Hz at all: a machine that cannot keep up has not shown what the first row says.
    {
      id: 'eventLoop.scanRate',
      value: scans / SECONDS,
      unit: 'Hz',
      bar: { of: 'value', at: 'least', limit: 9.5 },
    },
  ];
}
