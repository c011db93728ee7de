import { NumberRow } from '../math/number-row.ts';
import type { Stamp } from '../types.ts';
import type { ImuInput, OdometryInput } from './filter-input.ts';
import { type Dispute, type FilterState, type ImuReading, type Scaling, STATES } from './filter-state.ts';
import type { Leg, Wheels } from './wheel-calibration.ts';

/** Of all fields that follow, with some to spare. */
const LENGTH = 100;

/** A `FilterState` in memory that serves one state after another. */
export class StateRow {
  readonly #row = new NumberRow(LENGTH);
  readonly #covariance = new Float64Array(STATES * STATES);

  write(state: FilterState): void {
    const row = this.#row.rewind();
    row.putStamp(state.stamp);
    row.put3(state.position);
    row.put3(state.velocity);
    row.put4(state.orientation);
    row.put3(state.gyroBias);
    row.put3(state.accelerometerBias);
    this.#covariance.set(state.covariance);
    row.put3(state.angularVelocity);
    row.put(state.angularVariance);
    putReading(row, state.imu);
    row.putFlag(state.still);
    row.putStamp(state.odometryStillSince);
    row.putStamp(state.imuStillSince);
    row.putStamp(state.lastStationary);
    row.putStamp(state.lastOdometry);
    row.putStamp(state.odometryRefusedSince);
    putRegistration(row, state.lastRegistration);
    putDispute(row, state.registrationDispute);
    row.putStamp(state.lastGnss);
    putDispute(row, state.gnssDispute);
    row.put(state.gnssRefusals);
    row.put(state.gnssGood);
    row.putFlag(state.gnssDistrusted);
    putWheels(row, state.wheels);
    row.putStamp(state.slippedUntil);
    putScaling(row, state.scaling.registration);
    putScaling(row, state.scaling.odometry);
  }

  /** The state that was written last; its covariance is the row's own, valid until the next. */
  read(): FilterState {
    const row = this.#row.rewind();
    return {
      stamp: row.takeStamp(),
      position: row.take3(),
      velocity: row.take3(),
      orientation: row.take4(),
      gyroBias: row.take3(),
      accelerometerBias: row.take3(),
      covariance: this.#covariance,
      angularVelocity: row.take3(),
      angularVariance: row.take(),
      imu: takeReading(row),
      still: row.takeFlag(),
      odometryStillSince: row.takeStampIfAny(),
      imuStillSince: row.takeStampIfAny(),
      lastStationary: row.takeStampIfAny(),
      lastOdometry: row.takeStampIfAny(),
      odometryRefusedSince: row.takeStampIfAny(),
      lastRegistration: takeRegistration(row),
      registrationDispute: takeDispute(row),
      lastGnss: row.takeStamp(),
      gnssDispute: takeDispute(row),
      gnssRefusals: row.take(),
      gnssGood: row.take(),
      gnssDistrusted: row.takeFlag(),
      wheels: takeWheels(row),
      slippedUntil: row.takeStampIfAny(),
      scaling: { registration: takeScaling(row), odometry: takeScaling(row) },
    };
  }
}

/** The same for the inputs that come often. */
export class InputRow {
  readonly #row = new NumberRow(7);
  #kind: 'imu' | 'odometry' = 'imu';

  write(input: ImuInput | OdometryInput): void {
    this.#kind = input.kind;
    const row = this.#row.rewind();
    row.putStamp(input.stamp);
    row.put3(input.kind === 'imu' ? input.angularVelocity : input.angular);
    row.put3(input.kind === 'imu' ? input.linearAcceleration : input.linear);
  }

  get stamp(): Stamp {
    return this.#row.rewind().takeStamp();
  }

  read(): ImuInput | OdometryInput {
    const row = this.#row.rewind();
    const [stamp, angular, linear] = [row.takeStamp(), row.take3(), row.take3()];
    return this.#kind === 'imu'
      ? { kind: 'imu', stamp, angularVelocity: angular, linearAcceleration: linear }
      : { kind: 'odometry', stamp, linear, angular };
  }
}

function putReading(row: NumberRow, reading: ImuReading | undefined): void {
  row.putStamp(reading?.stamp);
  if (!reading) return;
  row.put3(reading.angularVelocity);
  row.put3(reading.linearAcceleration);
}

function takeReading(row: NumberRow): ImuReading | undefined {
  const stamp = row.takeStampIfAny();
  if (stamp === undefined) return undefined;
  return { stamp, angularVelocity: row.take3(), linearAcceleration: row.take3() };
}

function putRegistration(row: NumberRow, last: FilterState['lastRegistration']): void {
  row.putStamp(last?.stamp);
  if (last) row.put4(last.orientation);
}

function takeRegistration(row: NumberRow): FilterState['lastRegistration'] {
  const stamp = row.takeStampIfAny();
  return stamp === undefined ? undefined : { stamp, orientation: row.take4() };
}

function putDispute(row: NumberRow, dispute: Dispute | undefined): void {
  row.putStamp(dispute?.since);
  if (!dispute) return;
  row.put(dispute.count);
  row.put3(dispute.offset);
}

function takeDispute(row: NumberRow): Dispute | undefined {
  const since = row.takeStampIfAny();
  return since === undefined ? undefined : { since, count: row.take(), offset: row.take3() };
}

function putScaling(row: NumberRow, { ratio, factor }: Scaling): void {
  row.put(ratio);
  row.put(factor);
}

function takeScaling(row: NumberRow): Scaling {
  return { ratio: row.take(), factor: row.take() };
}

function putWheels(row: NumberRow, wheels: Wheels): void {
  row.put(wheels.scale);
  row.put(wheels.scaleVariance);
  row.put(wheels.yawBias);
  row.put(wheels.yawVariance);
  putLeg(row, wheels.leg);
}

function takeWheels(row: NumberRow): Wheels {
  return {
    scale: row.take(),
    scaleVariance: row.take(),
    yawBias: row.take(),
    yawVariance: row.take(),
    leg: takeLeg(row),
  };
}

function putLeg(row: NumberRow, leg: Leg | undefined): void {
  row.putStamp(leg?.since);
  if (!leg) return;
  row.putStamp(leg.latest);
  row.put3(leg.position);
  row.put4(leg.orientation);
  row.put(leg.variance);
  row.put(leg.headingVariance);
  row.putFlag(leg.held);
  row.put3(leg.path);
  row.put(leg.length);
  row.put(leg.turn);
  row.put(leg.turnVariance);
  row.put(leg.otherTurn);
  row.put4(leg.lastOrientation);
  row.put(leg.lastRate);
}

function takeLeg(row: NumberRow): Leg | undefined {
  const since = row.takeStampIfAny();
  if (since === undefined) return undefined;
  return {
    since,
    latest: row.takeStamp(),
    position: row.take3(),
    orientation: row.take4(),
    variance: row.take(),
    headingVariance: row.take(),
    held: row.takeFlag(),
    path: row.take3(),
    length: row.take(),
    turn: row.take(),
    turnVariance: row.take(),
    otherTurn: row.take(),
    lastOrientation: row.take4(),
    lastRate: row.take(),
  };
}
