/**
 * What a pass did on the servers, for the audit trail. Every act is named; what is the same in many folders is one line that counts them,
 * since a mailbox may have thousands. It is written with the outcome that follows, so that no act costs a commit of its own: after a crash
 * in between the trail lacks it, the ledger knows it, and the pass that repeats it says so. R3.
 */
import type { Pass } from './pass.ts';
import type { AuditedOutcome, Said } from './site.ts';
import type { Step } from './steps.ts';

/** So many folders are named. */
const NAMED = 20;

/** What has been done since, and then what came of it, by the delegate's login where it concerns one. */
export async function record(
  pass: Pick<Pass, 'site' | 'address' | 'onBehalf' | 'identifiers'>,
  outcomes: readonly { readonly action: AuditedOutcome; readonly login: string; readonly detail?: object }[],
  within?: Parameters<Pass['site']['audit']>[1],
): Promise<void> {
  const about = { mailbox: pass.address, onBehalf: pass.onBehalf };
  const lines = [
    ...actLines(pass.site.acts(), pass.identifiers).map((line) => ({ ...about, ...line })),
    ...outcomes.map(({ action, login, detail }) => ({
      ...about,
      action,
      delegate: pass.identifiers.get(login) ?? login,
      detail: { login, ...detail },
    })),
  ];
  if (lines.length > 0) await pass.site.audit(lines, within);
}

type Line = Pick<Said, 'action' | 'delegate' | 'detail'>;

/** In the order of the first act of each kind. `identifiers`: the delegates' by login; who isn't among them is the owner. */
export function actLines(steps: readonly Step[], identifiers: ReadonlyMap<string, string>): readonly Line[] {
  const groups = new Map<string, { readonly step: Step; readonly things: string[] }>();
  for (const step of steps) {
    const key = [step.kind, step.login, 'rights' in step ? step.rights : ''].join(' ');
    const group = groups.get(key) ?? { step, things: [] };
    groups.set(key, group);
    group.things.push('folder' in step ? step.folder : 'address' in step ? step.address : '');
  }
  return [...groups.values()].map(({ step, things }) => ({
    action: step.kind,
    delegate: identifiers.get(step.login) ?? null,
    detail: { login: step.login, ...facts(step, things) },
  }));
}

function facts(step: Step, things: readonly string[]): object {
  switch (step.kind) {
    case 'set-entry':
      return { rights: step.rights, ...folders(things) };
    case 'delete-entry':
      return folders(things);
    case 'publish':
    case 'withdraw':
      return { addresses: things };
    case 'subscribe':
    case 'unsubscribe':
      return { count: things.length };
    case 'cut':
      return {};
  }
}

function folders(names: readonly string[]): object {
  return { count: names.length, folders: names.slice(0, NAMED) };
}
