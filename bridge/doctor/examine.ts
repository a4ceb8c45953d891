/** Runs the checks in their order: each gives one finding, whatever happens. */
import type { Config } from '../../config/schema.ts';
import type { Environment } from '../configured/drivers.ts';
import { CHECKS } from './checks.ts';
import { type DoctorOptions, openSubject, type Subject } from './examined-site.ts';
import { type Check, type Finding, findingOf, skipped } from './finding.ts';

export interface Line extends Finding {
  readonly check: string;
}

/** All of them; `tell` hears of each as soon as it is known. Changes nothing, but for what `options.probe` asks for. */
export async function examine(
  config: Config,
  env: Environment,
  options: DoctorOptions,
  tell: (line: Line) => void = () => {},
): Promise<readonly Line[]> {
  const subject = openSubject(config, env, options);
  try {
    return await runChecks(CHECKS, subject, tell);
  } finally {
    await subject.close();
  }
}

export async function runChecks(
  checks: readonly Check[],
  subject: Subject,
  tell: (line: Line) => void,
): Promise<readonly Line[]> {
  const found = new Map<Check, Finding>();
  const lines: Line[] = [];
  for (const check of checks) {
    const finding = await findingFor(check, found, subject);
    found.set(check, finding);
    const line = { check: check.name, ...finding };
    lines.push(line);
    tell(line);
  }
  return lines;
}

/** Why something was skipped, where that is what became of another check. */
export function followsFrom({ status, seen }: Finding): string | undefined {
  return status === 'skipped' && seen.startsWith('because "') ? seen : undefined;
}

async function findingFor(check: Check, found: ReadonlyMap<Check, Finding>, subject: Subject): Promise<Finding> {
  for (const need of check.needs) {
    const before = found.get(need);
    if (before?.status === 'fail') return skipped(`because "${need.name}" failed`);
    if (before?.status === 'skipped' && followsFrom(before) !== undefined) return before; // the first cause, not the last
    if (before === undefined || before.status === 'skipped') return skipped(`because "${need.name}" was skipped`);
  }
  try {
    return await check.look(subject);
  } catch (error) {
    return findingOf(error);
  }
}
