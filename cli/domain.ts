import type { Command } from 'commander';
import { Failure } from '../bridge/shared/failure.ts';
import { type Domain, listDomains, removeDomain, setDomain } from '../bridge/store/table/domains.ts';
import { domain } from './arguments.ts';
import { counted, table } from './output.ts';
import { changed, SAVE_ONLY } from './report-change.ts';
import type { Runner } from './runner.ts';
import type { Session } from './session.ts';

interface Options {
  readonly eligible?: boolean;
  readonly notEligible?: boolean;
  readonly wait: boolean;
}

/** A rollout, domain by domain: a closed one suspends its delegations, and they come back when it is opened. R26. */
export function domainCommand(program: Command, run: Runner): void {
  const domains = program.command('domain').description('the domains whose mailboxes may be delegated');

  domains
    .command('set')
    .description('open a domain to delegation, or close it: closed, none of its delegations is in force')
    .argument('<domain>', 'what follows the @', domain)
    .option('--eligible', 'its mailboxes may be delegated')
    .option('--not-eligible', 'they may not: none of their delegations is in force, and the rows stay')
    .option('--no-wait', SAVE_ONLY)
    .action(
      run(async (session, name: string, { eligible, notEligible, wait }: Options) => {
        if ((eligible === undefined) === (notEligible === undefined)) {
          throw new Failure('config', 'give either --eligible or --not-eligible');
        }
        const open = eligible === true;
        const other = await session.writing(name, (db) => setDomain(db, session.writer, name, open));
        return told(session, name, other, other ? `${open ? 'open' : 'closed'} to delegation` : 'as it was', wait);
      }),
    );

  domains
    .command('list')
    .description('list the domains, and whether they are open')
    .action(
      run(async ({ out, table: read }) => {
        const all = await read(listDomains);
        const rows = all.map((one) => [
          one.domain,
          one.eligible ? 'yes' : 'no',
          one.decided ? 'domain set' : '[policy] eligible_domains',
          one.mailboxes,
          one.delegations,
        ]);
        out.result(
          all,
          rows.length === 0
            ? 'no domains'
            : table(['DOMAIN', 'ELIGIBLE', 'DECIDED BY', 'MAILBOXES', 'DELEGATIONS'], rows),
        );
        return undefined;
      }),
    );

  domains
    .command('remove')
    .description('forget what was set for a domain: [policy] eligible_domains decides again')
    .argument('<domain>', 'what follows the @', domain)
    .option('--no-wait', SAVE_ONLY)
    .action(
      run(async (session, name: string, { wait }: Options) => {
        await session.writing(name, (db) => removeDomain(db, session.writer, name));
        return told(session, name, true, 'no longer decided on', wait);
      }),
    );
}

/** What stands of it now, and how many that concerns. */
async function told(session: Session, name: string, other: boolean, did: string, wait: boolean) {
  const all = await session.table(listDomains);
  const now: Domain = all.find((one) => one.domain === name) ?? {
    domain: name,
    eligible: session.config.policy.eligibleDomains === 'all',
    decided: false,
    mailboxes: 0,
    delegations: 0,
  };
  const concerned = `${counted(now.mailboxes, 'mailbox', 'mailboxes')}, ${counted(now.delegations, 'delegation')}`;
  return changed(session, { ...now, changed: other }, `${name}: ${did} (${concerned})`, wait);
}
