/** An access as a row of a month's file, there and back. */
import type Database from 'better-sqlite3';
import type { Access, Action, Messages, Relation, Target } from './access.ts';
import { packedSet, unpackedSet } from './message-set.ts';
import { KIND, type Name, type NameWriter } from './trace-names.ts';

export interface AccessRow {
  readonly id: number;
  readonly at: number;
  readonly person: number;
  readonly session: number;
  readonly relation: number;
  readonly delegation: number | null;
  readonly mailbox: number;
  readonly folder: number | null;
  readonly action: number;
  readonly verb: number;
  readonly answer: number | null;
  readonly said: number | null;
  readonly messages: Buffer | null;
  readonly uid_validity: number | null;
  readonly target: number | null;
  readonly target_validity: number | null;
  readonly target_set: Buffer | null;
  readonly seal: Buffer;
}

const COLUMNS = [
  ...[
    'id',
    'at',
    'person',
    'session',
    'relation',
    'delegation',
    'mailbox',
    'folder',
    'action',
    'verb',
    'answer',
    'said',
  ],
  ...['messages', 'uid_validity', 'target', 'target_validity', 'target_set', 'seal'],
];

/** A folder in a mailbox of their own. */
const OWN = 0;

export function insertAccess(database: Database.Database): (row: AccessRow) => void {
  const insert = database.prepare(`INSERT INTO accesses VALUES (${COLUMNS.map((name) => `@${name}`).join(', ')})`);
  return (row) => void insert.run(row);
}

export function rowOf(id: number, access: Access, seal: Buffer, { idOf }: NameWriter): AccessRow {
  const word = (text: string) => idOf(KIND.word, text);
  const identifier = (text: string) => idOf(KIND.identifier, text);
  const mailboxOf = (address: string, owner: string | null) =>
    idOf(KIND.mailbox, address, owner === null ? null : identifier(owner));
  const { at, login, relation, via, delegation, action, verb, answer, said, messages, uidValidity, target } = access;
  const opener = via === null ? null : word(via);
  const mailbox = mailboxOf(access.mailbox, access.owner);
  const ip = access.address === '' ? null : idOf(KIND.address, access.address);
  return {
    id,
    at,
    person: idOf(KIND.person, login, access.identifier === null ? null : identifier(access.identifier), opener),
    session: idOf(KIND.session, access.session, ip),
    relation: word(relation),
    delegation,
    mailbox,
    folder: access.folder === null ? null : idOf(KIND.folder, access.folder, mailbox),
    action: word(action),
    verb: word(verb),
    answer: answer === 'OK' ? null : word(answer),
    said: said === null ? null : word(said),
    messages: messages === null ? null : packed(messages),
    uid_validity: uidValidity,
    target: target === null ? null : targetId(target),
    target_validity: target?.uidValidity ?? null,
    target_set: target === null || target.set === null ? null : packedSet(target.set),
    seal,
  };

  function targetId({ mailbox: whose, folder }: Target): number {
    if (whose === 'own') return OWN;
    const id = whose === 'same' ? mailbox : mailboxOf(whose.address, null);
    return idOf(KIND.folder, folder ?? '', id);
  }
}

function packed({ set, by, more }: Messages): Buffer {
  return Buffer.concat([Buffer.from([(by === 'number' ? 1 : 0) + (more ? 2 : 0)]), packedSet(set)]);
}

function unpacked(octets: Buffer): Messages {
  const [how = 0] = octets;
  return { set: unpackedSet(octets.subarray(1)), by: (how & 1) === 0 ? 'uid' : 'number', more: (how & 2) !== 0 };
}

/** Undefined where it names something that isn't there. */
export function accessOf(row: AccessRow, nameOf: (id: number) => Name | undefined): Access | undefined {
  let whole = true;
  const name = (id: number): Name => {
    const found = nameOf(id);
    if (found === undefined) whole = false;
    return found ?? { text: '', a: null, b: null };
  };
  const text = (id: number | null) => (id === null ? null : name(id).text);
  const person = name(row.person);
  const session = name(row.session);
  const mailbox = name(row.mailbox);
  const access: Access = {
    at: row.at,
    login: person.text,
    identifier: text(person.a),
    relation: name(row.relation).text as Relation,
    via: text(person.b),
    delegation: row.delegation,
    mailbox: mailbox.text,
    owner: text(mailbox.a) ?? '',
    folder: text(row.folder),
    action: name(row.action).text as Action,
    verb: name(row.verb).text,
    answer: text(row.answer) ?? 'OK',
    said: text(row.said),
    messages: row.messages === null ? null : unpacked(row.messages),
    uidValidity: row.uid_validity,
    target: row.target === null ? null : targetOf(row.target),
    address: text(session.a) ?? '',
    session: session.text,
  };
  return whole ? access : undefined;

  function targetOf(id: number): Target {
    const where = {
      uidValidity: row.target_validity,
      set: row.target_set === null ? null : unpackedSet(row.target_set),
    };
    if (id === OWN) return { mailbox: 'own', folder: null, ...where };
    const { text: folder, a } = name(id);
    const whose = a === row.mailbox ? ('same' as const) : { address: a === null ? '' : name(a).text };
    return { mailbox: whose, folder: folder === '' ? null : folder, ...where };
  }
}
