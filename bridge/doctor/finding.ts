/** What a check is, and what it has found. */
import type { Mistake } from '../../config/mistake.ts';
import { failureOf } from '../shared/failure.ts';
import type { Subject } from './examined-site.ts';

export type Status = 'ok' | 'warn' | 'fail' | 'skipped';

export interface Finding {
  readonly status: Status;
  /** What was seen; for `skipped`, why it couldn't be looked at. */
  readonly seen: string;
  /** What to do about it; never empty for `warn` and `fail`. */
  readonly remedy: string;
}

export interface Check {
  readonly name: string;
  /** Checks without which this one can't be made: when one of them failed or was skipped, this one is skipped. */
  readonly needs: readonly Check[];
  /** Looks, and changes nothing. May throw: that is a finding too. */
  readonly look: (subject: Subject) => Finding | Promise<Finding>;
}

export const ok = (seen: string): Finding => ({ status: 'ok', seen, remedy: '' });
export const warn = (seen: string, remedy: string): Finding => ({ status: 'warn', seen, remedy });
export const fail = (seen: string, remedy: string): Finding => ({ status: 'fail', seen, remedy });
export const skipped = (why: string): Finding => ({ status: 'skipped', seen: why, remedy: '' });

const BADNESS: readonly Status[] = ['fail', 'warn', 'skipped', 'ok'];

/** Of several things looked at by one check; undefined when there are none. */
export function worst(findings: readonly Finding[]): Finding | undefined {
  return [...findings].sort((one, other) => BADNESS.indexOf(one.status) - BADNESS.indexOf(other.status))[0];
}

/** What was thrown while looking, as a finding. */
export function findingOf(thrown: unknown): Finding {
  const mistakes = mistakesIn(thrown);
  if (mistakes !== undefined) {
    const list = (part: (mistake: Mistake) => string) => mistakes.map(part).join('; ');
    return fail(
      list(({ message }) => message),
      list(({ remedy }) => remedy),
    );
  }
  if (thrown instanceof Error && 'code' in thrown && (thrown.code === 'EACCES' || thrown.code === 'EPERM')) {
    return fail(thrown.message, 'run the doctor as root, or as the user that runs the sidecar');
  }
  const { message, hint } = failureOf(thrown);
  return fail(message, hint === '' ? 'the log of the server says more' : hint);
}

/** A ConfigError's mistakes: a secret that can't be used. */
export function mistakesIn(thrown: unknown): readonly Mistake[] | undefined {
  if (!(thrown instanceof Error) || thrown.name !== 'ConfigError' || !('mistakes' in thrown)) return undefined;
  return thrown.mistakes as readonly Mistake[];
}
