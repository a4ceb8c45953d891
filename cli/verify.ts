import type { Command } from 'commander';
import type { SenderRule } from '../acl/desired.ts';
import { imapServerOf } from '../bridge/acting/status/processes.ts';
import { policyOf } from '../bridge/configured/site-policy.ts';
import { everyServer, type ServerSeen } from '../bridge/questions/every-server.ts';
import { type Checked, type Difference, type ListedEntry, verifyMailbox } from '../bridge/questions/verify.ts';
import type { SenderPublisher } from '../bridge/reconcile/driver-interfaces.ts';
import { ADOPTING, adoptingFrom, FOREIGN_STATE_HINT, foreignState } from '../bridge/safeguards/foreign-state.ts';
import { PORTION_ROWS } from '../bridge/shared/portions.ts';
import { openSenderMap } from '../bridge/store/published/sender-map.ts';
import { fact } from '../bridge/store/state/facts.ts';
import { everyMailbox } from '../bridge/store/state/swept-mailboxes.ts';
import { mailboxAt } from '../bridge/store/table/mailboxes.ts';
import { address } from './arguments.ts';
import { EXIT } from './exit.ts';
import { otherEntryLine } from './other-entries.ts';
import { counted, oneLine } from './output.ts';
import { pausedText, pauseOf } from './paused.ts';
import { openProgress } from './progress.ts';
import { type Runner, sentence } from './runner.ts';

/** No difference: that is how such a server is, and what the delegates should know. `ofDovecot`: where a setting would change it. */
const notInherited = (ofDovecot: boolean) =>
  ofDovecot
    ? "without inherit.conf of config/dovecot/ no delegate can make or rename a folder at the top level, and one that somebody else makes there stays closed to them until mandat's next look at the folders"
    : "this server gives each folder an entry of its own: one that somebody makes may stay closed to delegates until mandat's next look at the folders";

/** What delegates really see there only somebody who speaks to that server can tell. */
function notVerified({ server, mailboxes, inForce, works }: ServerSeen): string {
  const where = works ? `on ${oneLine(works.host)}` : 'on its machine';
  const there = `${counted(mailboxes, 'mailbox', 'mailboxes')}, ${counted(inForce, 'delegation')} in force by the database`;
  return `${server}: not verified (${there}): it can't be looked at from here, run "mandat verify" ${where}`;
}

/** Whether anything stands there, or is yet to be taken away. */
const hasAnything = ({ mailboxes, inForce, waiting, failing, held }: ServerSeen) =>
  mailboxes + inForce + waiting + failing + held > 0;

/** Read a portion of the mailboxes at a time. */
function* staleRules(
  senders: Pick<SenderPublisher, 'mailboxIds' | 'rules'>,
  isStale: (mailboxId: number) => boolean,
): Generator<SenderRule> {
  for (let after = 0; ; ) {
    const page = senders.mailboxIds(after, PORTION_ROWS);
    for (const id of page.filter(isStale)) yield* senders.rules(id);
    after = page.at(-1) ?? after;
    if (page.length < PORTION_ROWS) return;
  }
}

const ofNobody = ({ address: mailbox, login }: SenderRule): Difference => ({
  mailbox,
  login,
  what: `may send as ${mailbox}, should not: the rule belongs to no mailbox`,
});

export function verifyCommand(program: Command, run: Runner): void {
  program
    .command('verify')
    .description('compare what each delegate really sees and may do with what they should; exits 1 on any difference')
    .argument('[mailbox...]', "addresses; all of this server's mailboxes when none is named")
    .option(
      '--all',
      'and says of every other mail server of the site that it is not looked at from here, and what to run; exits 1 then',
    )
    .action(
      run(async (session, named: string[], { all = false }: { readonly all?: boolean }) => {
        const { out, config, files } = session;
        const { mailServer } = await import('../bridge/configured/drivers.ts'); // the IMAP library takes its time to load
        const server = mailServer(config, process.env);
        const senders =
          config.senderRules === undefined ? undefined : openSenderMap(files.senderDirectory, { readonly: true });
        const progress = openProgress(out, 'looked at');
        let looked = 0;
        let delegates = 0;
        const differences: Difference[] = [];
        const others: ListedEntry[] = [];
        const add = (one: Checked) => {
          looked++;
          delegates += one.delegates;
          differences.push(...one.differences);
          others.push(...one.others);
        };
        let inherits = true;
        let ofDovecot = true;
        let foreign: string | undefined;
        let elsewhere: readonly ServerSeen[] = [];
        const looking = session.table((table) =>
          session.state(async (state) => {
            const addresses = named.map(address);
            const ids =
              addresses.length === 0
                ? await everyMailbox(table, state)
                : await Promise.all(addresses.map(async (one) => (await mailboxAt(table, one)).id));
            foreign =
              (await foreignState(table, state)) ?? ((await adoptingFrom(state)) === undefined ? undefined : ADOPTING);
            const site = {
              foreign: foreign !== undefined,
              table,
              state,
              server,
              senders,
              policy: policyOf(config),
              now: new Date().toISOString(),
            };
            inherits = (await fact(state, 'inherits')) !== 'no';
            ofDovecot = ((await imapServerOf(state))?.kind ?? 'dovecot') === 'dovecot';
            for (const id of ids) {
              add(await verifyMailbox(site, id, addresses.length > 0));
              progress.at(looked, ids.length);
            }
            if (all) elsewhere = (await everyServer(table, state)).filter((one) => one.server !== config.server.name);
            if (addresses.length > 0 || senders === undefined) return;
            const known = new Set(ids);
            for (const rule of staleRules(senders, (id) => !known.has(id))) differences.push(ofNobody(rule));
          }),
        );
        await looking.finally(progress.end);
        senders?.close();
        const lines = differences.map(({ mailbox, login, what }) => `${mailbox}: ${login}: ${what}`);
        lines.push(...others.map((one) => `${one.mailbox}: ${otherEntryLine(one, config.policy.timezone)}`));
        if (!inherits && delegates > 0) lines.push(notInherited(ofDovecot));
        const unseen = elsewhere.filter(hasAnything);
        const here = unseen.length === 0 ? '' : `${config.server.name} (here): `;
        lines.push(
          `${here}${counted(looked, 'mailbox', 'mailboxes')}, ${counted(delegates, 'delegation')} in force: ${differences.length === 0 ? 'all as it should be' : counted(differences.length, 'difference')}`,
        );
        lines.push(...unseen.map(notVerified));
        if (unseen.length > 0) lines.push(`1 of ${unseen.length + 1} mail servers verified`);
        const pause = await pauseOf(session);
        if (pause !== undefined) lines.unshift(out.colour.bad(pausedText(session, pause)));
        out.result(
          {
            ...(pause && { paused: pause }),
            mailboxes: looked,
            delegations: delegates,
            inherits,
            differences,
            others,
            ...(all && {
              server: config.server.name,
              notLookedAt: unseen.map(({ server, mailboxes, inForce }) => ({ server, mailboxes, inForce })),
            }),
          },
          lines.join('\n'),
        );
        if (foreign !== undefined) out.warn(sentence({ message: foreign, hint: FOREIGN_STATE_HINT, rule: undefined }));
        return differences.length + unseen.length === 0 ? EXIT.done : EXIT.failed;
      }),
    );
}
