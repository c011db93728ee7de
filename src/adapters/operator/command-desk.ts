import type { CommandAnswer, RobotCommand, RobotControl } from '../../ports/robot.ts';
import { type CommandMessage, robotCommand } from './protocol.ts';

/** Whom an answer goes to: one connection. */
export interface Asker {
  /** whose token it is */
  readonly subject: string;
  answer(id: string, answer: CommandAnswer): void;
}

interface Known {
  readonly text: string;
  readonly forgetMs: number;
  asker: Asker;
  answer?: CommandAnswer;
}

/** Commands remembered at most; each is forgotten when it would be late anyway. */
const MOST = 10_000;

export interface DeskParts {
  readonly control: RobotControl;
  /** a command may be valid for so long at most */
  readonly validMs: number;
  /** why this asker may not command now, else undefined */
  readonly refusal: (asker: Asker) => CommandAnswer | undefined;
  readonly onDone: (asker: Asker, command: RobotCommand, answer: CommandAnswer) => void;
}

/**
 * Each command is carried out once and answered once. A second copy on the same connection is ignored; one that comes
 * after a reconnect gets the answer that was lost, and the robot does nothing again.
 */
export class CommandDesk {
  readonly #parts: DeskParts;
  readonly #known = new Map<string, Known>();

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  /** `nowMs`: Unix time. Resolves when it is answered; false where it was only a copy. */
  async take(asker: Asker, message: CommandMessage, nowMs: number): Promise<boolean> {
    const { id, expires } = message;
    const key = JSON.stringify([asker.subject, id]);
    const text = JSON.stringify(message);
    const known = this.#known.get(key);
    if (known) {
      this.#repeat(known, asker, id, text);
      return false;
    }
    const refusal = this.#timeProblem(expires, nowMs);
    if (refusal) {
      asker.answer(id, refusal);
      return true;
    }
    this.forget(nowMs);
    if (this.#known.size >= MOST) {
      asker.answer(id, no('too-many-commands', `expected at most ${MOST} at a time; wait and send it again`));
      return true;
    }
    const entry: Known = { text, forgetMs: expires, asker };
    this.#known.set(key, entry);
    const command = robotCommand(message);
    const answer = this.#parts.refusal(asker) ?? (await this.#carryOut(command));
    entry.answer = answer;
    entry.asker.answer(id, answer);
    this.#parts.onDone(asker, command, answer);
    return true;
  }

  forget(nowMs: number): void {
    for (const [key, { forgetMs, answer }] of this.#known)
      if (answer && forgetMs <= nowMs) this.#known.delete(key);
  }

  #repeat(known: Known, asker: Asker, id: string, text: string): void {
    if (known.text !== text) {
      asker.answer(
        id,
        no('id-used-before', 'expected a new id for another command, found one that was used'),
      );
      return;
    }
    if (known.asker === asker) return;
    known.asker = asker;
    if (known.answer) asker.answer(id, known.answer);
  }

  #timeProblem(expires: number, nowMs: number): CommandAnswer | undefined {
    if (expires <= nowMs) {
      const late = ((nowMs - expires) / 1000).toFixed(1);
      return no('late', `the command expired ${late} s before it arrived; it was not carried out`);
    }
    const { validMs } = this.#parts;
    if (expires <= nowMs + validMs) return undefined;
    return no('expires-too-far', `expected expires within ${validMs / 1000} s from now, found it later`);
  }

  async #carryOut(command: RobotCommand): Promise<CommandAnswer> {
    try {
      return await this.#parts.control.command(command);
    } catch {
      return no('internal', 'the robot could not carry it out; see its log');
    }
  }
}

function no(reason: string, text: string): CommandAnswer {
  return { ok: false, reason, text };
}
