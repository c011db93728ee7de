import { RobotRecording } from '../adapters/recorder/robot-recording.ts';
import type { Config } from '../config.ts';
import type { Robot } from '../robot.ts';
import type { SensorMessage, Stamp } from '../types.ts';

/** The recorder of the demo's robot: raw messages of its sensors, and what the robot says of itself. */
export class DemoRecording {
  /** the folder of all drives */
  readonly parent: string;
  readonly #recording: RobotRecording;
  readonly #say: (text: string) => void;
  #robot: Pick<Robot, 'tell'> | undefined;

  private constructor(folder: string, config: Config, say: (text: string) => void) {
    this.parent = folder;
    this.#say = say;
    this.#recording = new RobotRecording({ ...config.recorder, folder }, (kind, severity, text, data) => {
      say(`${kind}: ${text}`);
      // All who watch hear of it, the recording among them.
      this.#robot?.tell(kind, severity, text, data);
    });
  }

  /** Begins a drive named by the time. Rejects with a Refusal. */
  static async start(folder: string, config: Config, say: (text: string) => void): Promise<DemoRecording> {
    const made = new DemoRecording(folder, config, say);
    say(`records to ${await made.#recording.start(new Date().toISOString().replace(/[:.]/g, '-'))}`);
    return made;
  }

  get folder(): string | undefined {
    return this.#recording.folder;
  }
  get registry() {
    return this.#recording.metrics.registry;
  }

  watch(robot: Pick<Robot, 'tell' | 'watch'>): void {
    this.#robot = robot;
    robot.watch(this.#recording);
  }

  message(message: SensorMessage): void {
    this.#recording.message(message);
  }

  pass(stamp: Stamp): void {
    this.#recording.pass(stamp);
  }

  /** Says what was recorded. */
  async close(): Promise<void> {
    const counts = [...this.#recording.counts().values()];
    const sum = (key: 'received' | 'dropped') => counts.reduce((total, count) => total + count[key], 0);
    const folder = await this.#recording.stop();
    this.#say(`recorded ${sum('received')} messages, ${sum('dropped')} clouds dropped, in ${folder}`);
  }
}
