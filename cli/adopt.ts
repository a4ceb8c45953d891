import type { Command } from 'commander';
import { forgetAdoptions, noteAdoption } from '../bridge/adoption/adoptions.ts';
import type { Found, Place, Survey } from '../bridge/adoption/survey.ts';
import { policyOf } from '../bridge/configured/site-policy.ts';
import { publishedMailboxes } from '../bridge/directory/correspondence.ts';
import { listedPerson } from '../bridge/directory/search.ts';
import { Failure, failureOf } from '../bridge/shared/failure.ts';
import { addDelegate, listDelegates } from '../bridge/store/table/delegates.ts';
import { grant } from '../bridge/store/table/delegations.ts';
import { noteEvent } from '../bridge/store/table/events.ts';
import { addMailbox, listMailboxes, mailboxAt } from '../bridge/store/table/mailboxes.ts';
import { markPending } from '../bridge/store/table/rows.ts';
import { type Answer, answersIn, asked, type Guess, tableOf, told } from './adopt-answers.ts';
import { address } from './arguments.ts';
import { confirmed } from './confirm.ts';
import { refuseImpersonal } from './correspondence.ts';
import { EXIT, type ExitStatus } from './exit.ts';
import { policyNow, whyWithheld } from './not-in-force.ts';
import { counted, oneLine } from './output.ts';
import { refuseWhilePaused } from './paused.ts';
import { openProgress } from './progress.ts';
import { changed } from './report-change.ts';
import { acknowledged } from './responsibility.ts';
import { documentOf, type Runner, sentence } from './runner.ts';
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
      'look at what is shared by hand on the server, and make delegations of what you say: nothing is written without being told to',
    )
    .argument(
      '[mailbox...]',
      'addresses, of mailboxes that are not in the table too; all in the table when none is named',
    )
    .option('--dry-run', 'write a table of what stands, to be filled in, and nothing else')
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

async function adopted(
  session: Session,
  options: Options,
  looked: Survey,
  answers: readonly Answer[],
): Promise<ExitStatus> {
  const { out } = session;
  for (const { found } of answers) out.warn(`mandat: ${consequence(found)}`);
  const question = `Adopt ${counted(answers.length, 'entry', 'entries')}? They become delegations of mandat's: a revoke takes them off, by whomever they were made.`;
  if (!(await confirmed(session, question, options.yes))) return EXIT.failed;
  refuseImpersonal(
    session,
    answers.map(({ found }) => found.mailbox),
  );
  const version = await acknowledged(session, options.acknowledge);
  if (version === null) return EXIT.failed;
  const done: Answer[] = [];
  const refused: { readonly answer: Answer; readonly failure: Failure }[] = [];
  for (const answer of answers) {
    try {
      await adoptOne(session, answer, version);
      done.push(answer);
    } catch (error) {
      refused.push({ answer, failure: failureOf(error) });
    }
  }
  for (const { answer, failure } of refused)
    out.warn(
      sentence({
        ...failure,
        message: `${answer.found.mailbox}: ${answer.found.login}: ${failure.message}`,
        hint: failure.hint,
        rule: failure.rule,
      }),
    );
  await tellWithheld(session, done);
  const text = `${done.length} of ${counted(answers.length, 'entry', 'entries')} adopted`;
  const status = await changed(session, documentFor(done, refused, looked), text);
  if (refused.length === 0) return status;
  return refused.some(({ failure }) => failure.code === 'refused') ? EXIT.refused : EXIT.failed;
}

/** As long as a delegation isn't in force, its entry is nobody's but who made it: it stays, and a revoke doesn't take it off. */
async function tellWithheld(session: Session, done: readonly Answer[]): Promise<void> {
  const policy = await policyNow(session);
  for (const { found, delegate } of done) {
    const [why] = await session.table((db) => whyWithheld(db, policy, found.mailbox, delegate));
    if (why === undefined) continue;
    const until = 'until it is in force, the entry stays as it was made by hand';
    session.out.warn(
      `mandat: ${oneLine(`${found.mailbox} to ${delegate} is not in force (${why.sentence}): ${until}`)}`,
    );
  }
}

/** What becomes of the entry itself. */
function consequence(found: Found): string {
  const becomes = {
    whole: 'it stays as it is',
    partial: 'it is widened to what a delegation gives',
    more: 'it is brought to what a delegation gives: rights beyond that go',
  }[found.extent];
  return `what ${told(found)}: ${becomes}`;
}

/** Row by row, through the table's own rules. The note comes before the row: the pass that the row brings about must know of it. */
async function adoptOne(session: Session, answer: Answer, acknowledgedVersion: string | undefined): Promise<void> {
  const { found, delegate } = answer;
  const writer = { ...session.writer, acknowledged: acknowledgedVersion, reason: 'adopt' };
  const id = await session.writing(found.mailbox, async (db) => {
    const there = (await listMailboxes(db)).find((one) => one.address === found.mailbox);
    if (there === undefined) await addMailbox(db, writer, found.mailbox, { login: found.owner });
    const known = (await listDelegates(db)).find((one) => one.identifier === delegate);
    if (known === undefined) await addPerson(session, db, answer);
    else if (known.login !== found.login)
      throw new Failure(
        'refused',
        `${delegate} has the login ${known.login} in the table`,
        `"mandat delegate set ${delegate} --login ${found.login}", if it is the same person`,
      );
    return (await mailboxAt(db, found.mailbox)).id;
  });
  const how = { at: new Date().toISOString(), by: writer.actor };
  await session.state((state) => noteAdoption(state, id, found.login, how));
  try {
    await session.writing(found.mailbox, async (db) => {
      const { extent, rights, folders, of, login } = found;
      const detail = { login, extent, rights, folders, of, since: answer.since ?? null };
      await noteEvent(db, writer, { action: 'adopt', mailbox: found.mailbox, delegate, detail });
      if (found.row) return markPending(db, [id], writer.actor);
      return grant(db, writer, found.mailbox, delegate, { startsAt: answer.since, sendMode: answer.sendMode });
    });
  } catch (error) {
    await session.state((state) => forgetAdoptions(state, id, [found.login]));
    throw error;
  }
}

/** As `mandat delegate add` does: names come from the directory, where it has them. */
async function addPerson(session: Session, db: Parameters<typeof addDelegate>[0], answer: Answer): Promise<void> {
  const { config, files, writer } = session;
  const { delegate, found } = answer;
  const person = config.identity.scheme === 'rpps' ? listedPerson(files.privateDirectory, delegate) : undefined;
  const listed = person === undefined ? null : person !== null;
  const names = person ?? { firstName: answer.firstName ?? null, lastName: answer.lastName ?? null, profession: null };
  const { firstName, lastName, profession } = names;
  const given = {
    login: found.login,
    firstName: firstName ?? null,
    lastName: lastName ?? null,
    profession: profession ?? null,
  };
  await addDelegate(db, writer, delegate, { ...given, listed }, { activation: config.accounts !== undefined });
}

function documentFor(
  done: readonly Answer[],
  refused: readonly { readonly answer: Answer; readonly failure: Failure }[],
  { others, unseen, known }: Survey,
) {
  return {
    adopted: done.map(({ found, delegate }) => ({
      mailbox: found.mailbox,
      login: found.login,
      delegate,
      extent: found.extent,
    })),
    refused: refused.map(({ answer, failure }) => ({
      mailbox: answer.found.mailbox,
      login: answer.found.login,
      ...documentOf(failure),
    })),
    known,
    others,
    unseen,
  };
}
