import type { CommandAnswer, RobotCommand } from '../../ports/robot.ts';
import type { GatewayParts } from './gateway-parts.ts';
import type { Intervention } from './interventions.ts';
import type { Publisher } from './publisher.ts';

/**
 * Stores what an operator did, with where the robot was and what had happened, and tells everybody. A store that fails
 * is an alarm; the command has been carried out all the same.
 */
export async function recordIntervention(
  parts: GatewayParts,
  publisher: Publisher,
  operator: string,
  command: RobotCommand,
  answer: CommandAnswer,
): Promise<void> {
  const record = interventionOf(parts, publisher, operator, command);
  const stamp = publisher.latest?.status.frame.stamp ?? 0n;
  const tell = (severity: 'info' | 'warning' | 'alarm', text: string, data: Record<string, unknown>) =>
    publisher.event({ stamp, kind: 'intervention', severity, text, data });
  const did = `${operator}: ${command.kind}${record.note ? ` (${record.note})` : ''}`;
  const facts = { operator, command, ok: answer.ok, ...(!answer.ok && { reason: answer.reason }) };
  if (!answer.ok) return tell('warning', `${did} was not carried out: ${answer.text}`, facts);
  if (!parts.interventions) return tell('info', did, facts);
  try {
    const id = await parts.interventions.add(record);
    tell('info', did, { ...facts, id });
  } catch (error) {
    parts.onFailure('intervention store', error);
    tell('alarm', `${did}; it could not be stored: is the disk full?`, facts);
  }
}

function interventionOf(
  { config, wallMs, map, recording }: GatewayParts,
  publisher: Publisher,
  operator: string,
  command: RobotCommand,
): Omit<Intervention, 'id'> {
  const frame = publisher.latest?.status.frame;
  const path = recording?.();
  return {
    at: new Date(wallMs()).toISOString(),
    ...(frame && { stamp: String(frame.stamp), state: frame.state }),
    robot: config.robot,
    operator,
    kind: command.kind,
    ...(command.kind === 'mark-intervention' && { note: command.note }),
    command: { ...command },
    ...(map && { map: { mapId: map.head.mapId, version: map.head.version } }),
    ...(frame?.pose && {
      pose: { position: [...frame.pose.position], orientation: [...frame.pose.orientation] },
    }),
    ...(frame?.covariance && { covariance: [...frame.covariance] }),
    ...(frame?.pose && map && { place: map.frame.toGeodetic(frame.pose.position) }),
    events: publisher.eventsBefore().map(({ epoch: _epoch, type: _type, ...event }) => event),
    ...(path && frame && { recording: { path, stamp: String(frame.stamp) } }),
  };
}
