/** A stored notice as the mail that it becomes. What people and programs have written is cleaned before it comes near a template. */
import { DateTime } from 'luxon';
import type { Config } from '../../config/schema.ts';
import { Failure } from '../shared/failure.ts';
import { unbroken } from '../shared/french-blanks.ts';
import type { StoredNotice } from '../store/state/outbox.ts';
import type { Language } from '../store/state/state-db.ts';
import { clean } from './safe-text.ts';
import type { Rendered, Templates, View } from './templates.ts';

type Settings = Pick<NonNullable<Config['notices']>, 'from' | 'helpUrl' | 'newsUrl'>;

export interface Letter extends Rendered {
  readonly from: string;
  readonly to: string;
  readonly messageId: string;
  readonly language: Language;
  /** Where the audit trail ends as it leaves, `ID:SEAL`: what is cut off it later shows beside it. */
  readonly trail?: string;
}

const LONGEST_NAME = 120;
const LONGEST_SUBJECT = 200;
const LONGEST_LIST = 2000;
/** Nothing that could be read as two addresses, or as anything but an address. */
const ADDRESS = /^[^\s"(),:;<>@[\\\]\p{C}]{1,64}@[^\s"(),:;<>@[\\\]\p{C}]{1,253}$/u;

export function letter(notice: StoredNotice, templates: Templates, settings: Settings, timezone: string): Letter {
  const { recipient, kind, part, language, messageId } = notice;
  if (recipient === null || !ADDRESS.test(recipient)) {
    throw new Failure('refused', 'what is kept as their address is none', 'correct it, then "mandat notices retry"');
  }
  const rendered = templates.render(kind, part, language, view(notice, settings, timezone));
  const plain = clean(rendered.subject, LONGEST_SUBJECT);
  const subject = language === 'fr' ? unbroken(plain, 'even') : plain;
  return { ...rendered, subject, from: settings.from, to: recipient, messageId, language };
}

/** What a template may name. */
function view({ data, kind, language, createdAt }: StoredNotice, settings: Settings, timezone: string): View {
  const given = (name: string, longest?: number): string | undefined => {
    const value = data[name];
    const text = typeof value === 'string' ? clean(value, longest) : '';
    return text === '' ? undefined : text;
  };
  const time = (name: string) => {
    const instant = data[name];
    return typeof instant === 'string' ? shownInstant(instant, language, timezone) : undefined;
  };
  const why = typeof data.why === 'string' ? data.why : undefined;
  const identifier = given('identifier') ?? '';
  const rpps = /^8\d{11}$/.test(identifier);
  const name = [given('firstName', LONGEST_NAME), given('lastName', LONGEST_NAME)].filter(Boolean).join(' ');
  const known = [given('profession', LONGEST_NAME), rpps ? `RPPS ${identifier}` : name === '' ? undefined : identifier];
  const details = known.filter(Boolean).join(', ');
  const subject = name === '' ? identifier : name;
  return {
    mailbox: given('mailbox'),
    identifier,
    rpps,
    firstName: given('firstName', LONGEST_NAME),
    lastName: given('lastName', LONGEST_NAME),
    profession: given('profession', LONGEST_NAME),
    person: details === '' || details === subject ? subject : `${subject} (${details})`,
    at: time('at') ?? shownInstant(createdAt, language, timezone),
    startsAt: time('startsAt'),
    endsAt: time('endsAt'),
    why: why === undefined ? undefined : { [camel(why)]: true },
    waits: why !== undefined && why !== 'account',
    opened: kind === 'resume' && (why === 'start' || why === 'account'),
    full: data.full === true,
    others: given('others', LONGEST_LIST),
    code: given('code'),
    minutes: given('minutes'),
    helpUrl: settings.helpUrl,
    newsUrl: settings.newsUrl,
    ...by(given('by')),
  };
}

/** `owner:810...`, `admin:NAME`, or whatever a program calls itself. */
function by(actor: string | undefined): View {
  if (actor === undefined) return { by: false };
  if (actor.startsWith('owner:')) return { by: true, byOwner: true };
  return actor.startsWith('admin:')
    ? { by: true, byAdmin: actor.slice('admin:'.length) }
    : { by: true, byProgram: actor };
}

/** `25 novembre 2026 à 04:05 (UTC+1)` */
function shownInstant(instant: string, language: Language, timezone: string): string {
  const time = DateTime.fromISO(instant, { zone: timezone });
  const offset = time
    .toFormat('Z')
    .replace(/^([+-]\d+)$/, 'UTC$1')
    .replace('UTC+0', 'UTC');
  const at = language === 'fr' ? "'à'" : "'at'";
  return `${time.toFormat(`d LLLL yyyy ${at} HH:mm`, { locale: language })} (${offset})`;
}

const camel = (words: string) => words.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
