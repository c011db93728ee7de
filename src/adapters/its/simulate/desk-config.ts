import type { RouteSignal } from '../../../types.ts';
import { directionOf, groupOf, intersectionOf, nationalIdOf } from './messages.ts';

/** When the ids of a fake city were checked: it is always right about itself. */
const CHECKED = '2026-01-01T00:00:00Z';

/** The configuration under `its` by which all three vendors of a fake city are asked for all its signals. */
export function deskConfig(signals: readonly RouteSignal[], httpUrl: string, mqttUrl: string) {
  const aliases = (externalId: (id: string) => string, head: (signal: RouteSignal) => string) =>
    Object.fromEntries(
      signals.map((signal) => [
        signal.signalId,
        { externalId: externalId(signal.externalId), head: head(signal), verifiedAt: CHECKED },
      ]),
    );
  const broker = (use: string) => ({ url: mqttUrl, clientId: `desk-${use}` });
  return {
    vendors: [
      {
        kind: 'mqtt-spat' as const,
        name: 'mqtt',
        provider: 'fake-spat',
        broker: broker('spat'),
        aliases: aliases(
          (id) => String(intersectionOf(id)),
          (signal) => String(groupOf(signal)),
        ),
      },
      {
        kind: 'city-http' as const,
        name: 'city',
        provider: 'fake-city',
        url: `${httpUrl}/city`,
        aliases: aliases((id) => id, directionOf),
      },
      {
        kind: 'national-http' as const,
        name: 'national',
        provider: 'fake-national',
        url: `${httpUrl}/national`,
        aliases: aliases(nationalIdOf, directionOf),
      },
    ],
    doors: { broker: broker('doors') },
  };
}
