/** The trace of access: whether Dovecot tells what it needs, and how it goes. */
import { lastTraceProof } from '../trace/daily-proof.ts';
import { traceState } from '../trace/trace-keeping.ts';
import { ownState } from './databases.ts';
import { type Section, sectionsNamed } from './doveconf-text.ts';
import { fragmentOf } from './dovecot-syntax.ts';
import { dataModes } from './files.ts';
import { type Check, fail, ok, skipped, warn } from './finding.ts';

export const trace: Check = {
  name: 'trace of access',
  needs: [ownState, dataModes],
  look: async (subject) => {
    const { config } = subject;
    const state = await subject.state();
    const broken = (await lastTraceProof(state))?.broken ?? null;
    if (broken !== null)
      return fail(broken, 'keep its files as they are, and a copy of them; then put the backup back');
    if (!config.trace.enabled) return skipped('[trace] is not enabled');
    const how = await traceState(state);
    if (how !== undefined && how.trouble !== null)
      return fail(how.trouble, 'see what it says; what waits is written as soon as it can be');
    const reading = await subject.doveconf();
    if (reading.found === undefined) return skipped(`whether Dovecot tells of access can't be seen: ${reading.why}`);
    const { all, syntax, source } = reading.found;
    const missing = missingIn(all);
    if (missing.length > 0) {
      return warn(
        `Dovecot does not tell ${missing.join(', nor ')} (${source}): that is missing from the trace`,
        `include ${fragmentOf(syntax, 'trace.conf')}, then doveadm reload`,
      );
    }
    const last = how?.lastAt ?? null;
    return ok(
      last === null ? 'Dovecot tells of access; nothing was written yet' : `the last access was written at ${last}`,
    );
  },
};

/** What is told to nobody, of what a trace is made of. Pure. */
export function missingIn(all: Section): readonly string[] {
  const filters = sectionsNamed(all, 'metric')
    .filter(({ settings }) => (settings.get('exporter') ?? '') !== '')
    .map(({ settings }) => settings.get('filter') ?? '');
  const tells = (event: string, word: RegExp) => filters.some((filter) => filter.includes(event) && word.test(filter));
  const commands = 'imap_command_finished';
  return [
    ...(tells(commands, /\bFETCH\b|mailbox=/) ? [] : ['who reads what']),
    ...(tells(commands, /\bSTORE\b|mailbox=/) && tells(commands, /\bMOVE\b|mailbox=/)
      ? []
      : ['who files and deletes what']),
    ...(tells('auth_request_finished', /./) ? [] : ['who opened a session in whose name']),
  ];
}
