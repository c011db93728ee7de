import type { RefusedInput } from '../../ports.ts';
import type { SensorMessage } from '../../types.ts';

/** Bytes of PointField.datatype 1 … 8. */
const SIZES = [0, 1, 1, 2, 2, 4, 4, 4, 8];

/** Why a message does not keep to what its type promises; undefined where it does. */
export function messageFault(message: SensorMessage): RefusedInput | undefined {
  switch (message.kind) {
    case 'points':
      return cloudFault(message.value);
    case 'imu': {
      const { angularVelocity, linearAcceleration } = message.value;
      return finite('imu', [...angularVelocity, ...linearAcceleration]);
    }
    case 'gnss': {
      const { latitude, longitude, altitude, covariance, status } = message.value;
      // Without a fix the place may be anything, also NaN.
      const place = status < 0 ? [] : [latitude, longitude, altitude];
      if (covariance.length !== 9)
        return bad('bad-length', `gnss: expected 9 covariances, found ${covariance.length}`);
      return finite('gnss', place);
    }
    case 'odometry': {
      const { pose, linear, angular } = message.value;
      return finite('odometry', [...pose.position, ...pose.orientation, ...linear, ...angular]);
    }
    case 'refused':
      return { reason: message.reason, detail: message.detail };
    default:
      return undefined;
  }
}

function cloudFault({ fields, height, width, pointStep, rowStep, data }: CloudOf): RefusedInput | undefined {
  if (data.length < rowStep * height || rowStep < pointStep * width)
    return bad(
      'bad-length',
      `points: expected ${height} rows of ${rowStep} bytes (${width} points of ${pointStep}), found ${data.length} bytes`,
    );
  for (const { name, offset, datatype, count } of fields) {
    const size = SIZES[datatype];
    if (!size || offset + size * count > pointStep)
      return bad(
        'bad-field',
        `points: field ${name} (type ${datatype}) leaves its point of ${pointStep} bytes`,
      );
  }
  return undefined;
}
type CloudOf = Extract<SensorMessage, { kind: 'points' }>['value'];

function finite(what: string, values: readonly number[]): RefusedInput | undefined {
  const at = values.findIndex((value) => !Number.isFinite(value));
  return at < 0 ? undefined : bad('not-finite', `${what}: expected finite numbers, found ${values[at]}`);
}

function bad(reason: string, detail: string): RefusedInput {
  return { reason, detail };
}
