import type { Command } from 'commander';
import type { Place, Survey } from '../bridge/adoption/survey.ts';
import { policyOf } from '../bridge/configured/site-policy.ts';
import { publishedMailboxes } from '../bridge/directory/correspondence.ts';
import { Failure } from '../bridge/shared/failure.ts';
import { listMailboxes } from '../bridge/store/table/mailboxes.ts';
import { answersIn, asked, type Guess, tableOf } from './adopt-answers.ts';
import { adopted, documentFor } from './adopt-entries.ts';
import { address } from './arguments.ts';
import { EXIT } from './exit.ts';
import { oneLine } from './output.ts';
import { refuseWhilePaused } from './paused.ts';
import { openProgress } from './progress.ts';
import type { Runner } from './runner.ts';
import type { Session } from './session.ts';

interface Options {
  readonly dryRun?: boolean;
  readonly answers?: string;
  readonly yes?: boolean;
  readonly acknowledge?: boolean;
}

export function adoptCommand(program: Command, run: Runner): void {
  program
    .command('adopt')
    .description(
      'look at what is shared by hand on the server, and make delegations of what you say: nothing is written until you say so',
    )
    .argument(
      '[mailbox...]',
      'addresses, of mailboxes that are not in the table too; all in the table when none is named',
    )
    .option('--dry-run', 'write a table of what is shared, for you to fill in, and change nothing')
    .option('--answers <file>', 'that table, filled in: lines with adopt = yes become delegations')
    .option('--acknowledge', "the owners' responsibility for this access has been read and acknowledged")
    .option('--yes', 'do not ask')
    .action(
      run(async (session, named: string[], options: Options) => {
        const { out } = session;
        if (options.dryRun !== true) await refuseWhilePaused(session, 'adopt');
        const places = await placesOf(session, named.map(address));
        const looked = await surveyed(session, places);
        const guess = guessing(session);
        tellOthers(session, looked);
        if (options.dryRun === true) {
          const { found, others, unseen, known } = looked;
          const proposed = found.map((one) => ({ ...one, delegate: one.delegate ?? guess(one.login) ?? null }));
          out.result({ dryRun: true, found: proposed, known, others, unseen }, tableOf(found, guess));
          return unseen.length === 0 ? EXIT.done : EXIT.failed;
        }
        if (looked.found.length === 0 && options.answers === undefined) {
          out.result(documentFor([], [], looked), 'nothing to adopt: nobody has an entry that mandat does not know');
          return looked.unseen.length === 0 ? EXIT.done : EXIT.failed;
        }
        const answers =
          options.answers === undefined
            ? await asked(session, looked.found, guess)
            : answersIn(session, options.answers, looked.found, guess);
        if (answers.length === 0) {
          out.result(documentFor([], [], looked), 'nothing was changed: no line says that anything is to be adopted');
          return EXIT.done;
        }
        return adopted(session, options, looked, answers);
      }),
    );
}

/** Of mailboxes that aren't in the table the login is taken to be the address. Fails as wrong usage where there is none to look into. */
async function placesOf({ table }: Session, named: readonly string[]): Promise<readonly Place[]> {
  const all = await table(listMailboxes);
  const known = (one: string) => all.find((mailbox) => mailbox.address === one);
  const places: readonly Place[] =
    named.length === 0
      ? all
      : [...new Set(named)].map((one) => known(one) ?? { address: one, login: one, id: undefined });
  if (places.length > 0) return places;
  throw new Failure('config', 'the table has no mailbox yet', 'name those to look into: mandat adopt MAILBOX...');
}

async function surveyed(session: Session, places: readonly Place[]): Promise<Survey> {
  const { out, config } = session;
  const { mailServer } = await import('../bridge/configured/drivers.ts'); // the IMAP library takes its time to load
  const { survey } = await import('../bridge/adoption/survey.ts');
  const progress = openProgress(out, 'looked at');
  return session
    .table((table) =>
      session.state((state) => {
        const site = { table, state, server: mailServer(config, process.env), rights: policyOf(config).rights };
        return survey(site, places, (done) => progress.at(done, places.length));
      }),
    )
    .finally(progress.end);
}

/** By the published list of MSSanté addresses, where delegates are known by RPPS numbers. */
function guessing({ config, files }: Session): Guess {
  if (config.identity.scheme !== 'rpps') return () => undefined;
  return (login) => {
    const published = publishedMailboxes(files.privateDirectory, [login])?.get(login) ?? [];
    const owners = [...new Set(published.flatMap(({ owner }) => owner ?? []))];
    return owners.length === 1 ? owners[0] : undefined;
  };
}

function tellOthers({ out }: Session, { others, unseen }: Survey): void {
  for (const { mailbox, identifier, why } of others)
    out.warn(`mandat: ${oneLine(`${mailbox}: the entry of ${identifier} stays as it is: ${why}`)}`);
  for (const { mailbox, why } of unseen) out.warn(`mandat: ${oneLine(`${mailbox} could not be looked into: ${why}`)}`);
}
