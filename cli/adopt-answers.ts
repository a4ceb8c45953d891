/** What is proposed to be adopted, as a table to fill in, and the answers: of a file, or asked one by one. */
import { SEND_MODES, type SendMode } from '../acl/delegation-facts.ts';
import type { Found } from '../bridge/adoption/survey.ts';
import { Failure } from '../bridge/shared/failure.ts';
import { address, instant, login } from './arguments.ts';
import { readRows, type Values } from './csv.ts';
import { type Output, oneLine } from './output.ts';
import type { Session } from './session.ts';

/** A line that says yes. */
export interface Answer {
  readonly found: Found;
  /** The delegate's identifier. */
  readonly delegate: string;
  readonly firstName: string | undefined;
  readonly lastName: string | undefined;
  /** Since when they have had it, where somebody knows. */
  readonly since: string | undefined;
  readonly sendMode: SendMode | undefined;
}

/** A row before it is joined with what stands: what was typed. */
interface Typed {
  readonly mailbox: string;
  readonly login: string;
  readonly adopt: boolean;
  readonly delegate: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly since: string | undefined;
  readonly sends: string;
}

const ALL = [
  'mailbox',
  'login',
  'extent',
  'folders',
  'rights',
  'delegate',
  'first-name',
  'last-name',
  'since',
  'sends',
  'adopt',
];
const COLUMNS = { all: ALL, required: ['mailbox', 'login', 'adopt'] };

/** Who it may be, where the table doesn't know the login: by the published list of addresses. */
export type Guess = (login: string) => string | undefined;

/** The table to fill in, with what is known. */
export function tableOf(found: readonly Found[], guess: Guess): string {
  const lines = found.map((one) =>
    [
      one.mailbox,
      one.login,
      one.extent,
      `${one.folders} of ${one.of}`,
      one.rights,
      one.delegate ?? guess(one.login) ?? '',
      '',
      '',
      '',
      '',
      '',
    ]
      .map(quoted)
      .join(','),
  );
  return [ALL.join(','), ...lines].join('\n');
}

const quoted = (value: string) => (/[",;\r\n]|^\s|\s$/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

/** Fails `config` with all mistakes at once, before anything is written. */
export function answersIn(session: Session, file: string, found: readonly Found[], guess: Guess): readonly Answer[] {
  const { timezone } = session.config.policy;
  const rows = readRows(file, COLUMNS, 'answer', {
    row: (values) => {
      const row = typed(values, timezone);
      return { row, answer: row.adopt ? answerOf(session, row, found, guess) : undefined };
    },
    key: ({ row }) => ({ value: `${row.mailbox} ${row.login}`, what: 'entry' }),
  });
  return rows.flatMap(({ answer }) => answer ?? []);
}

const YES: Readonly<Record<string, boolean>> = {
  yes: true,
  y: true,
  oui: true,
  no: false,
  n: false,
  non: false,
  '': false,
};

function typed(values: Values, timezone: string): Typed {
  const { mailbox = '', login: who = '', adopt = '', since = '' } = values;
  const says = YES[adopt.toLowerCase()];
  if (says === undefined) throw new Failure('config', `adopt "${oneLine(adopt)}" is neither yes nor no`);
  return {
    mailbox: address(mailbox),
    login: login(who),
    adopt: says,
    delegate: values.delegate ?? '',
    firstName: values['first-name'] ?? '',
    lastName: values['last-name'] ?? '',
    since: since === '' ? undefined : instant(since, 'start', timezone, 'since'),
    sends: (values.sends ?? '').toLowerCase(),
  };
}

function answerOf(session: Session, row: Typed, found: readonly Found[], guess: Guess): Answer {
  const { config, identity } = session;
  const one = found.find(({ mailbox, login: who }) => mailbox === row.mailbox && who === row.login);
  if (one === undefined)
    throw new Failure('config', `${row.login} has no entry of their own at ${row.mailbox} that isn't mandat's already`);
  const who =
    one.delegate ?? (row.delegate || guess(row.login) || (config.identity.scheme === 'login' ? row.login : ''));
  if (who === '') throw new Failure('config', `who ${row.login} is isn't known: column "delegate", an identifier`);
  const delegate = one.delegate ?? identity.read(who);
  if (row.delegate !== '' && one.delegate !== undefined && identity.find(row.delegate) !== one.delegate)
    throw new Failure('config', `${row.login} is ${one.delegate} by the table, and ${oneLine(row.delegate)} here`);
  if (row.since !== undefined && row.since > new Date().toISOString())
    throw new Failure('config', `since ${row.since}: that is yet to come`);
  return {
    found: one,
    delegate,
    firstName: row.firstName || undefined,
    lastName: row.lastName || undefined,
    since: row.since,
    sendMode: sending(row.sends, config.senderRules !== undefined),
  };
}

/** A delegation of mandat's lets them send: where it is said that they must not, it can't be one. */
function sending(says: string, published: boolean): SendMode | undefined {
  const mode = SEND_MODES.find((one) => one === says);
  if (mode !== undefined) return mode;
  if (!published || says === 'yes' || says === 'oui') return undefined;
  if (says === '')
    throw new Failure(
      'config',
      `column "sends" is empty: a delegation lets them send for the owner, yes (or ${SEND_MODES.join(', ')})?`,
    );
  throw new Failure(
    'config',
    `sends "${oneLine(says)}": a delegation lets them send for the owner, so this entry stays one made by hand (adopt: no)`,
  );
}

/** One by one at the terminal. Fails `config` where there is none. */
export async function asked(session: Session, found: readonly Found[], guess: Guess): Promise<readonly Answer[]> {
  const { out, config } = session;
  if (out.json || !process.stdin.isTTY || !process.stderr.isTTY) {
    const hint = '--dry-run writes a table to fill in, --answers FILE takes it';
    throw new Failure('config', 'there is no terminal to ask at; nothing was changed', hint);
  }
  const answers: Answer[] = [];
  for (const one of found) {
    if (!(await yes(`Adopt what ${told(one)}? A revoke then takes it off.`))) continue;
    const row: Typed = {
      mailbox: one.mailbox,
      login: one.login,
      adopt: true,
      delegate:
        one.delegate ??
        (await text(
          out,
          `Who is ${one.login}? Their identifier:`,
          guess(one.login) ?? (config.identity.scheme === 'login' ? one.login : undefined),
        )),
      firstName: '',
      lastName: '',
      since: await since(session),
      sends:
        config.senderRules === undefined
          ? ''
          : (await yes('May they send for the owner? A delegation lets them.'))
            ? 'yes'
            : 'no',
    };
    try {
      answers.push(answerOf(session, row, found, guess));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      out.warn(`mandat: left as it is: ${error.message}`);
    }
  }
  return answers;
}

/** `bob@example.org has at alice@example.org (whole: lrswipkxte in 5 of 5 folders)`. */
export function told({ login: who, mailbox, extent, rights, folders, of }: Found): string {
  return oneLine(`${who} has at ${mailbox} (${extent}: ${rights} in ${folders} of ${of} folders)`);
}

async function since({ out, config }: Session): Promise<string | undefined> {
  const answer = await text(out, 'Since when? A date, or nothing where nobody knows:', '');
  return answer === '' ? undefined : instant(answer, 'start', config.policy.timezone, 'since');
}

const cancelled = () => {
  throw new Failure('config', 'cancelled, nothing was changed');
};

async function yes(message: string): Promise<boolean> {
  const { default: confirm } = await import('@inquirer/confirm'); // only here, so that other commands start without it
  return confirm({ message: oneLine(message), default: false }, { output: process.stderr }).catch(cancelled);
}

async function text(_out: Output, message: string, preset: string | undefined): Promise<string> {
  const { default: input } = await import('@inquirer/input');
  const given = preset === undefined || preset === '' ? {} : { default: preset };
  return (await input({ message, ...given }, { output: process.stderr }).catch(cancelled)).trim();
}
