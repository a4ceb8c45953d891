/** Entries made by hand, adopted: rows through the table's own rules, and what is said of each. */

import { policyNow, whyWithheld } from '../bridge/acting/not-in-force.ts';
import { refuseImpersonal } from '../bridge/acting/personal-mailbox.ts';
import { forgetAdoptions, noteAdoption } from '../bridge/adoption/adoptions.ts';
import type { Found, Survey } from '../bridge/adoption/survey.ts';
import { listedPerson } from '../bridge/directory/search.ts';
import { Failure, failureOf } from '../bridge/shared/failure.ts';
import { addDelegate, peopleCalled } from '../bridge/store/table/delegates.ts';
import { grant } from '../bridge/store/table/delegations.ts';
import { noteEvent } from '../bridge/store/table/events.ts';
import { addMailbox, isMailbox, mailboxAt } from '../bridge/store/table/mailboxes.ts';
import { markPending } from '../bridge/store/table/rows.ts';
import { type Answer, told } from './adopt-answers.ts';
import { confirmed } from './confirm.ts';
import { EXIT, type ExitStatus } from './exit.ts';
import { counted, oneLine } from './output.ts';
import { changed } from './report-change.ts';
import { acknowledged } from './responsibility.ts';
import { documentOf, sentence } from './runner.ts';
import type { Session } from './session.ts';

interface Asked {
  readonly yes?: boolean;
  readonly acknowledge?: boolean;
}

/** The entries that somebody has said yes to, one by one; what a rule refuses stands in no other's way. */
export async function adopted(
  session: Session,
  options: Asked,
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
    if (!(await isMailbox(db, found.mailbox))) await addMailbox(db, writer, found.mailbox, { login: found.owner });
    const known = (await peopleCalled(db, [delegate])).get(delegate);
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

export function documentFor(
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
