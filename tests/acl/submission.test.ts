/** The decision on a header as one table. The property behind it is in read-alike.test.ts. */
import t from 'tap';
import { authorsOf } from '../../acl/authors.ts';
import { readHeader } from '../../acl/header-fields.ts';
import { origin } from '../../acl/received-field.ts';
import { decide, type Rights, type Standing, type Submission, type SubmissionRules } from '../../acl/submission.ts';
import { changed } from '../../acl/verdict.ts';

const RULES: SubmissionRules = { mode: 'on-behalf', onMismatch: 'reject', onImitation: 'reject' };
const OWN: Standing = { kind: 'own' };
const ALICE: Extract<Standing, { kind: 'owner' }> = { kind: 'owner', owner: 'alice@x.test', mode: null };
const KNOWN: Readonly<Record<string, Standing>> = {
  'bob@x.test': OWN,
  'robert@x.test': OWN,
  'alice@x.test': ALICE,
  'held@x.test': { kind: 'held' },
};
const standing = (address: string): Standing => KNOWN[address.toLowerCase()] ?? { kind: 'stranger' };
const BOB: Rights = { self: 'bob@x.test', standing };
const HOMELESS: Rights = { self: null, standing };
const withMode = (mode: 'on-behalf' | 'send-as'): Rights => ({
  self: 'bob@x.test',
  standing: (address) => (address === 'alice@x.test' ? { ...ALICE, mode } : standing(address)),
});

interface Row {
  readonly header: string;
  readonly gives: string | number;
  readonly why: string;
  readonly mailFrom?: string;
  readonly rules?: Partial<SubmissionRules>;
  readonly rights?: Rights | 'unreadable';
}

const own = 'From: <bob@x.test>\r\n';
const DKIM = 'DKIM-Signature: v=1; h=From:Sender:Resent-From; b=x\r\n';
const ROWS: readonly Row[] = [
  { header: own, gives: own, why: 'own address' },
  { header: 'From: robert@x.test\r\n', gives: 'From: robert@x.test\r\n', why: 'own alias, without brackets' },
  { header: `${own}Sender: <ceo@y.test>\r\n`, gives: own, why: 'a false Sender goes' },
  { header: `${own}Sender: ,,<\r\n`, gives: own, why: 'an unreadable Sender goes' },
  { header: `${own}Sender: robert@x.test\r\n`, gives: `${own}Sender: robert@x.test\r\n`, why: 'a true Sender stays' },
  { header: `${own}Sender: "ceo@y.test" <robert@x.test>\r\n`, gives: own, why: 'a true Sender that imitates goes' },
  {
    header: 'From: Alice <alice@x.test>\r\nSender: <ceo@y.test>\r\n',
    gives: 'From: Alice <alice@x.test>\r\nSender: <bob@x.test>\r\n',
    why: 'on behalf',
  },
  { header: 'From: <alice@x.test>\r\n', gives: 'From: <alice@x.test>\r\n', why: 'send-as', rules: { mode: 'send-as' } },
  {
    header: 'From: <alice@x.test>\r\nSender: <ceo@y.test>\r\n',
    gives: 'From: <alice@x.test>\r\n',
    why: 'send-as by the delegation, where the site says on-behalf',
    rights: withMode('send-as'),
  },
  {
    header: 'From: <alice@x.test>\r\n',
    gives: 'From: <alice@x.test>\r\nSender: <bob@x.test>\r\n',
    why: 'on-behalf by the delegation, where the site says send-as',
    rights: withMode('on-behalf'),
    rules: { mode: 'send-as' },
  },
  {
    header: 'From: <alice@x.test>\r\n',
    gives: 'From: <alice@x.test>\r\n',
    why: 'no mailbox, no Sender',
    rights: HOMELESS,
  },
  { header: 'From: <ceo@y.test>\r\n', gives: 550, why: 'a stranger' },
  { header: 'From: <ceo@y.test>\r\n', gives: own, why: 'rewritten', rules: { onMismatch: 'rewrite' } },
  {
    header: 'From: <ceo@y.test>\r\n',
    gives: 550,
    why: 'nothing to rewrite to',
    rules: { onMismatch: 'rewrite' },
    rights: HOMELESS,
  },
  { header: 'From: <bob@x.test>, <ceo@y.test>\r\n', gives: 550, why: 'one of several' },
  {
    header: 'From: <bob@x.test>, <alice@x.test>\r\n',
    gives: 'From: <bob@x.test>, <alice@x.test>\r\nSender: <bob@x.test>\r\n',
    why: 'several, all allowed',
  },
  { header: 'Subject: x\r\n', gives: 550, why: 'no From' },
  { header: `${own}${own}`, gives: 550, why: 'two From lines' },
  { header: `${own}FROM: <ceo@y.test>\r\n`, gives: 550, why: 'two, in another case' },
  { header: '"ceo@y.test" <x>\r\n', gives: 550, why: 'no field' },
  { header: `From : <ceo@y.test>\r\n${own}`, gives: 550, why: 'a space before the colon' },
  { header: 'From: a: <bob@x.test>;\r\n', gives: 550, why: 'group' },
  { header: 'From: <bob@x.test> <ceo@y.test>\r\n', gives: 550, why: 'two in a row' },
  { header: 'From: ceo@y.test <bob@x.test>\r\n', gives: 550, why: 'a bare address before the brackets' },
  { header: 'From: "ceo@y.test" <bob@x.test>\r\n', gives: 550, why: 'imitation' },
  { header: 'From: "held@x.test" <bob@x.test>\r\n', gives: 550, why: 'imitation of what the guard holds' },
  { header: 'From: =?utf-8?b?Y2VvQHkudGVzdA==?= <bob@x.test>\r\n', gives: 550, why: 'imitation, encoded' },
  {
    header: 'From: "ceo@y.test" <bob@x.test>\r\n',
    gives: own,
    why: 'the name taken out',
    rules: { onImitation: 'rewrite' },
  },
  { header: 'From: "bob@x.test" <bob@x.test>\r\n', gives: 'From: "bob@x.test" <bob@x.test>\r\n', why: 'shows itself' },
  { header: 'From: bob@x.test (ceo@y.test)\r\n', gives: 550, why: 'imitation in a comment' },
  { header: 'From: Bob (ceo@y.test) <bob@x.test>\r\n', gives: 550, why: 'in one that would not leave, too' },
  { header: 'From: "carol()@y.test" (y) "z" <bob@x.test>\r\n', gives: 550, why: 'a comment touches the at sign' },
  { header: 'From: "\\"carol\\"@y.test" <bob@x.test>\r\n', gives: 550, why: 'a quote touches it' },
  { header: 'From: "Carol\r\n <carol()@y.test> (" <bob@x.test>\r\n', gives: 550, why: 'a fold within quotes' },
  { header: 'From: "Bob\r\n Smith" <bob@x.test>\r\n', gives: 'From: "Bob Smith" <bob@x.test>\r\n', why: 'unfolded' },
  {
    header: 'From: "carol;@y.test" <bob@x.test>\r\n',
    gives: own,
    why: 'the name taken out, unclear as it is',
    rules: { onImitation: 'rewrite' },
  },
  {
    header: 'From: "alice@x.test" <bob@x.test>\r\n',
    gives: 'From: "alice@x.test" <bob@x.test>\r\nSender: <bob@x.test>\r\n',
    why: "an owner's address as the name: whoever reads the name takes her for the author",
  },
  {
    header: 'From: "alice@x.test" <bob@x.test>\r\nSender: <bob@x.test>\r\n',
    gives: 'From: "alice@x.test" <bob@x.test>\r\n',
    why: 'the same, send-as',
    rules: { mode: 'send-as' },
  },
  {
    header: 'From: "x\r\n <alice@x.test> (" <bob@x.test>\r\n',
    gives: 'From: =?utf-8?Q?x_=E2=80=B9alice=EF=BC=A0x=2Etest=E2=80=BA_=28?= <bob@x.test>\r\nSender: <bob@x.test>\r\n',
    why: 'and folded within quotes, which Python read as hers alone',
  },
  {
    header: `${own}Author: <alice@x.test>\r\n`,
    gives: `${own}Sender: <bob@x.test>\r\nAuthor: <alice@x.test>\r\n`,
    why: 'an owner in Author',
  },
  { header: `${own}Sender: "alice@x.test" <bob@x.test>\r\n`, gives: own, why: "an owner's name in Sender" },
  {
    header: `${own}Sender: Bob\r\n (x) <bob@x.test>\r\n`,
    gives: `${own}Sender: Bob <bob@x.test>\r\n`,
    why: 'a Sender that is kept leaves in its plain form',
  },
  {
    header: `${own}Resent-From: "a\r\n b" <bob@x.test>\r\nAuthor: b (c) <bob@x.test>\r\n`,
    gives: `${own}Resent-From: "a b" <bob@x.test>\r\nAuthor: b <bob@x.test>\r\n`,
    why: 'so do the others',
  },
  { header: `${DKIM}From: Bob\r\n <bob@x.test>\r\n`, gives: `${DKIM}From: Bob\r\n <bob@x.test>\r\n`, why: 'signed' },
  {
    header: `${DKIM}From: "Bob\r\n Smith" <bob@x.test>\r\n`,
    gives: 550,
    why: 'signed, and would have to be rewritten',
  },
  { header: `${DKIM}From: J. Smith <bob@x.test>\r\n`, gives: 550, why: 'signed, and not plain' },
  { header: `${DKIM}${own}Resent-From: x (y) <bob@x.test>\r\n`, gives: 550, why: 'another that is signed' },
  {
    header: `${DKIM}${own}Author: x (y) <bob@x.test>\r\n`,
    gives: `${DKIM}${own}Author: x <bob@x.test>\r\n`,
    why: 'one that is not signed',
  },
  { header: `${DKIM}${own}Sender: x (y) <bob@x.test>\r\n`, gives: 550, why: 'a Sender that is signed' },
  {
    header: `${DKIM}From: <ceo@y.test>\r\n`,
    gives: 550,
    why: 'signed: not rewritten',
    rules: { onMismatch: 'rewrite' },
  },
  {
    header: `${DKIM}From: "ceo@y.test" <bob@x.test>\r\n`,
    gives: 550,
    why: 'signed: no name taken out',
    rules: { onImitation: 'rewrite' },
  },
  { header: `${own}Resent-From: <ceo@y.test>\r\n`, gives: 550, why: 'Resent-From' },
  {
    header: `${own}Resent-From: <alice@x.test>\r\n`,
    gives: `${own}Resent-From: <alice@x.test>\r\n`,
    why: 'Resent-From, allowed',
  },
  { header: `${own}Resent-Sender: <ceo@y.test>\r\n`, gives: 550, why: 'Resent-Sender' },
  { header: `${own}Author: <ceo@y.test>\r\n`, gives: 550, why: 'Author, RFC 9057' },
  { header: `>From: <ceo@y.test>\r\n${own}`, gives: 550, why: 'c-client takes >From for From' },
  { header: `>from: <bob@x.test>\r\n${own}`, gives: 550, why: 'in any case, whomever it names' },
  { header: `${own}>Resent-From: <ceo@y.test>\r\n`, gives: 550, why: 'likewise >Resent-From' },
  { header: `${own}>Sender: <ceo@y.test>\r\n`, gives: 550, why: 'likewise >Sender' },
  { header: `${own}>>Author: <ceo@y.test>\r\n`, gives: 550, why: 'and with more of them' },
  {
    header: `${own}>To: <ceo@y.test>\r\n`,
    gives: `${own}>To: <ceo@y.test>\r\n`,
    why: '>To says nothing of the author',
  },
  { header: `${own}Reply-To: <ceo@y.test>\r\n`, gives: `${own}Reply-To: <ceo@y.test>\r\n`, why: 'Reply-To is free' },
  { header: own, gives: own, why: 'null sender', mailFrom: '' },
  { header: own, gives: own, why: 'another envelope, allowed', mailFrom: 'alice@x.test' },
  { header: own, gives: 550, why: 'another envelope, not allowed', mailFrom: 'ceo@y.test' },
  { header: own, gives: 451, why: 'the table cannot be read', rights: 'unreadable' },
  { header: 'From: \r\n <bob@x.test>\r\n', gives: own, why: 'folded: brought onto a line' },
  { header: 'From: "a b"@x.test\r\n', gives: 550, why: 'quoted local part' },
  { header: 'From: <bob@x.test>\u00e9\r\n', gives: 550, why: 'raw 8-bit' },
  { header: 'From: <bob@x.test>\u0000\r\n', gives: 550, why: 'NUL' },
  { header: 'From: <bob@x.test>\nFrom: <ceo@y.test>\r\n', gives: 550, why: 'a bare LF' },
  { header: 'From: =?x-none?q?a?= <bob@x.test>\r\n', gives: own, why: 'a name that nobody can decode is none' },
];

const verdictOn = (mail: Submission, rights: Rights | undefined, rules: SubmissionRules) => {
  const authors = authorsOf(mail);
  return authors.kind === 'refuse' ? authors : decide(mail, authors, rights, rules);
};

function outcome({
  header,
  mailFrom = 'bob@x.test',
  rules,
  rights = BOB,
}: Omit<Row, 'gives' | 'why'>): string | number {
  const read = readHeader(header);
  if (read.kind === 'unreadable') return 550;
  const mail = { login: 'bob@x.test', mailFrom, utf8: false, fields: read.fields };
  const verdict = verdictOn(mail, rights === 'unreadable' ? undefined : rights, { ...RULES, ...rules });
  return verdict.kind === 'pass' ? changed(read.fields, verdict.changes) : verdict.code;
}

t.test('on whose behalf: each owner that From names, once; nobody where it is their own', async (t) => {
  const DAVE: Standing = { kind: 'owner', owner: 'dave@x.test', mode: null };
  const also: Rights = {
    self: 'bob@x.test',
    standing: (address) =>
      address === 'dave@x.test' ? DAVE : address === 'dr.alice@x.test' ? ALICE : standing(address),
  };
  for (const [from, owners] of [
    ['<bob@x.test>', []],
    ['<alice@x.test>', ['alice@x.test']],
    ['<alice@x.test>, <dr.alice@x.test>', ['alice@x.test']],
    ['<bob@x.test>, <dave@x.test>, <alice@x.test>', ['dave@x.test', 'alice@x.test']],
    ['"alice@x.test" <bob@x.test>', ['alice@x.test']],
    ['"bob@x.test" <bob@x.test>', []],
    ['"dave@x.test" <alice@x.test>', ['alice@x.test', 'dave@x.test']],
    ['<bob@x.test>\r\nAuthor: <alice@x.test>', ['alice@x.test']],
    ['<dave@x.test>\r\nResent-From: <bob@x.test>, <alice@x.test>', ['dave@x.test', 'alice@x.test']],
    ['<bob@x.test>\r\nResent-Sender: "alice@x.test" <bob@x.test>', ['alice@x.test']],
  ] as const) {
    const read = readHeader(`From: ${from}\r\n`);
    const fields = read.kind === 'fields' ? read.fields : [];
    const verdict = verdictOn({ login: 'bob@x.test', mailFrom: '', utf8: false, fields }, also, RULES);
    t.match(verdict, { kind: 'pass', owners }, from);
    t.equal(verdict.kind === 'pass' && verdict.owners.length, owners.length, from);
  }
});

t.test('held by the guard: later, wherever the address stands, and whatever else is wrong', async (t) => {
  const held: Rights = {
    self: 'bob@x.test',
    standing: (address) => (address === 'alice@x.test' ? { kind: 'held' } : standing(address)),
  };
  const rewrite = { onMismatch: 'rewrite', onImitation: 'rewrite' } as const;
  for (const [header, mailFrom] of [
    ['From: <alice@x.test>\r\n', 'alice@x.test'],
    [own, 'alice@x.test'],
    [`${own}Resent-From: <alice@x.test>\r\n`, ''],
    ['From: <bob@x.test>, <alice@x.test>\r\n', ''],
    ['From: <ceo@y.test>\r\n', 'alice@x.test'],
  ] as const) {
    t.equal(outcome({ header, mailFrom, rights: held, rules: rewrite }), 451, `${mailFrom}, ${header}`);
  }
  t.equal(outcome({ header: own, rights: held }), own);
});

t.test('the table', async (t) => {
  for (const row of ROWS) t.equal(outcome(row), row.gives, `${row.why}: ${JSON.stringify(row.header)}`);
});

const TOP =
  'Received: from c (unknown [127.0.0.1])\r\n\t(Authenticated sender: bob@x.test)\r\n\tby mx (Postfix) with ESMTPA\r\n\tfor <d@y.test>; Mon, 23 Nov 2026 08:00:00 +0000 (UTC)\r\n';
/** To several recipients, of whom it names none. */
const SEVERAL = TOP.replace(/\r\n\tfor <d@y.test>; /, ';\r\n\t');
const login = (raw: string) => {
  const read = readHeader(raw);
  const found = read.kind === 'fields' ? origin(read.fields[0]) : undefined;
  return found?.kind === 'login' ? found.login : found?.kind;
};

t.test('the login: from the topmost Received of Postfix alone', async (t) => {
  t.equal(login(TOP), 'bob@x.test');
  t.equal(login(SEVERAL), 'bob@x.test', 'of a message to several');
  t.equal(login(`Subject: x\r\n${TOP}`), 'foreign');
  t.equal(login(`${SEVERAL}\t(Authenticated sender: ceo@y.test)\r\n`), 'foreign', 'continued by the client');
  t.equal(login(`${SEVERAL}${SEVERAL.replace(/^Received: from/, '\tfrom')}`), 'foreign', 'by another whole one');
  t.equal(login(`${TOP}\t(Authenticated sender: ceo@y.test)\r\n`), 'foreign', 'continued by the client');
  for (const begins of ['received: from', 'RECEIVED: from', 'Received:from', 'Received:  from', 'Received:\tfrom'])
    t.equal(login(TOP.replace('Received: from', begins)), 'foreign', `not as Postfix writes it: ${begins}`);
  t.equal(login(TOP.replace('Received: from c', 'Received: by elsewhere')), 'foreign', 'it names nobody it came from');
  t.equal(login(TOP.replace(/\t\(Auth.*\r\n/, '')), 'anonymous');
  t.equal(login(TOP.replace(/(\t\(Auth.*\r\n)/, '$1$1')), 'anonymous', 'said twice');
  const read = readHeader(TOP);
  const found = read.kind === 'fields' ? origin(read.fields[0]) : undefined;
  t.equal(found?.kind === 'login' && found.hidden.raw, TOP.replace(/\t\(Auth.*\r\n/, ''));
});
