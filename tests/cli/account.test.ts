/** Activation at the command line, from `delegate add` to the typed code, and everything that stands in its way. R38 to R45. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { contactAddress } from '../../bridge/acting/contact-address.ts';
import { importWhiteList } from '../../bridge/directory/white-list-import.ts';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { failure } from '../store/failures.ts';
import { ALIX, ANNE, CONFIG, site, WHITE_LIST, ZOE } from './account-desk.ts';
import { builtMandat } from './built.ts';
import { must } from './desk.ts';
import { atTerminal, readable } from './terminal.ts';

const ACTIVATE = ['account', 'activate', ZOE, '--email', 'zoe@example.org', '--accept-terms', '1'];

t.test('from the grant to the typed code', async (t) => {
  const here = await site(t);
  const { mandat, mandatWith, json, sql, code, written, why } = here;
  t.match(await mandat('delegate', 'add', ZOE, '--login', 'zoe@lab.test', '--last-name', 'Quemener'), {
    status: 3,
    stderr: /is ZOÉ KERVELLA in the directory, and not Quemener.*MANDAT_IDENTITY/,
  });
  t.match(await must(mandat('delegate', 'add', ZOE, '--login', 'zoe@lab.test', '--last-name', 'kervella')), {
    stdout:
      /ZOÉ KERVELLA added: .*\n {2}pending: .*"mandat account activate 810101026994 --email ADDRESS --accept-terms VERSION"/,
  });
  t.match(await mandat(...ACTIVATE, '--confirm-identity'), {
    status: 3,
    stderr: /no mailbox has been delegated to.*MANDAT_NOT_DELEGATED/,
  });
  sql(
    `INSERT INTO mailbox (address, owner) VALUES ('alice@lab.test', '810000000033'); INSERT INTO delegation (mailbox, delegate) VALUES ('alice@lab.test', '${ZOE}')`,
  );
  t.match(await why(), /has not activated their account/);

  const untouched = written();
  const refusals: readonly (readonly [args: readonly string[], status: number, says: RegExp])[] = [
    [
      ACTIVATE,
      2,
      /first name +ZOÉ\nlast name +KERVELLA\nprofession +Acteur.*rôle: Secrétaire médicale\n[\s\S]*--confirm-identity/,
    ],
    [['account', 'activate', ZOE, '--accept-terms', '1'], 2, /--email/],
    [[...ACTIVATE.slice(0, 4), 'zoe@PRO.mssante.FR', ...ACTIVATE.slice(5)], 3, /belongs to MSSanté.*MANDAT_CONTACT/],
    [
      [...ACTIVATE.slice(0, -1), '2'],
      3,
      /present version of the terms of use is 1, not 2.*MANDAT_TERMS.*\n.*example\.org\/cgu/,
    ],
    [
      ['--as', `delegate:${ALIX}`, ...ACTIVATE],
      3,
      /may not act on the account of 810101026994: everybody manages their own/,
    ],
    [['--as', `owner:${ZOE}`, ...ACTIVATE], 3, /MANDAT_ACTOR/],
    [['delegate', 'set', ZOE, '--state', 'active'], 3, /has not activated their account.*MANDAT_PENDING/],
    [['account', 'set-contact', ZOE, '--email', 'zoe@example.org'], 3, /MANDAT_PENDING/],
    [['account', 'confirm', ZOE, '12345678'], 3, /no address waits/],
    [['account', 'confirm', ZOE, '1234'], 2, /eight digits/],
    [['account', 'accept-terms', ZOE, '1'], 3, /MANDAT_PENDING/],
  ];
  for (const [args, status, says] of refusals) t.match(await mandat(...args), { status, stderr: says }, args.join(' '));
  const argv = [...(await builtMandat()), '--config', here.configFile, ...ACTIVATE];
  const no = await atTerminal(argv, /\(y\/N\)/, '\r');
  t.match(
    { status: no.status, text: readable(no) },
    { status: 1, text: /ZOÉ[\s\S]*Is this the identity[\s\S]*cancelled, nothing was changed/ },
  );
  t.equal(written(), untouched, 'none of them wrote anything');

  const yes = await atTerminal(argv, /\(y\/N\)/, 'y\r');
  t.match(
    { status: yes.status, text: readable(yes) },
    { status: 0, text: /a code is on its way to zoe@example\.org, to be typed until/ },
  );
  t.match(await why(), /has not activated/, 'not yet');
  t.match(await json('account', 'cancel', ZOE), { cancelled: true, state: 'pending' });
  t.equal(written().includes('zoe@example.org'), false, 'the request is forgotten');

  const as = (...args: readonly string[]) => mandatWith({}, '--as', `delegate:${ZOE}`, ...args);
  await must(as(...ACTIVATE, '--confirm-identity', '--language', 'en'));
  const right = code();
  t.match(
    await as(
      'account',
      'confirm',
      ZOE,
      right.replace(/./, (digit) => String(9 - Number(digit))),
    ),
    {
      status: 3,
      stderr: /not the code that was mailed; 1 try is left/,
    },
  );
  t.match(await must(as('account', 'confirm', ZOE, right, '--no-wait')), {
    stdout: /active; notices go to zoe@example\.org/,
  });
  t.equal(await why(), null, 'in force, or about to be');
  t.match(await mandat(...ACTIVATE), { status: 3, stderr: /active already.*MANDAT_ACTIVE/ });
  t.match(
    sql("SELECT action, actor, on_behalf, via FROM events WHERE action LIKE 'account-%' OR action = 'terms-accepted'"),
    new RegExp(`account-code\\|admin:\\w+\\|delegate:${ZOE}\\|[\\s\\S]*terms-accepted\\|delegate:${ZOE}\\|\\|\\w+`),
  );
  t.notMatch(sql('SELECT * FROM events'), /example\.org/, 'no address in the trail');

  writeFileSync(here.configFile, CONFIG('2'));
  t.match(await why(), /has not accepted the present terms/, 'a new version suspends');
  t.match(await as('account', 'accept-terms', ZOE, '1'), {
    status: 3,
    stderr: /present version of the terms of use is 2/,
  });
  t.match(await must(as('account', 'accept-terms', ZOE, '2', '--no-wait')), { stdout: /terms of use 2 accepted/ });
  t.equal(await why(), null);
});

t.test('who has a mailbox of their own has an account already', async (t) => {
  const { mandat, sql } = await site(t);
  sql(`INSERT INTO mailbox (address, owner) VALUES ('alix@lab.test', '${ALIX}')`);
  t.notMatch((await must(mandat('delegate', 'add', ALIX, '--login', 'alix@lab.test'))).stdout, /pending/);
  t.match(await mandat('account', 'activate', '810009999993', '--email', 'x@example.org', '--accept-terms', '1'), {
    status: 4,
  });
  sql(
    "INSERT INTO delegate (id, state) VALUES ('810009999993', 'pending'); INSERT INTO delegation (mailbox, delegate) VALUES ('alix@lab.test', '810009999993')",
  );
  const stranger = ['account', 'activate', '810009999993', '--email', 'x@example.org', '--accept-terms', '1'];
  t.match(await mandat(...stranger, '--confirm-identity'), {
    status: 3,
    stderr: /not in the directory[\s\S]*portail-rpps-plus/,
  });
  sql(
    `INSERT INTO delegate (id, last_name, state) VALUES ('${ANNE}', 'Martin', 'pending'); INSERT INTO delegation (mailbox, delegate) VALUES ('alix@lab.test', '${ANNE}')`,
  );
  const other = ['account', 'activate', ANNE, '--email', 'x@example.org', '--accept-terms', '1', '--confirm-identity'];
  t.match(await mandat(...other), {
    status: 3,
    stderr: /ANNE RIOU in the directory, and not Martin[\s\S]*MANDAT_IDENTITY/,
  });
});

t.test('a mailbox of their own makes a pending account active, whoever writes it (R39)', async (t) => {
  const { mandat, sql } = await site(t);
  const state = (id: string) => sql(`SELECT state FROM delegate WHERE id = '${id}'`);
  await must(mandat('delegate', 'add', ALIX, '--login', 'alix@lab.test'));
  t.equal(state(ALIX), 'pending');
  await must(mandat('mailbox', 'add', 'alix.r@lab.test', '--login', 'alix@lab.test', '--owner', ALIX));
  t.equal(state(ALIX), 'active');
  t.match(sql("SELECT detail FROM events WHERE action = 'delegate-set'"), /"state":"active"/, 'the trail tells of it');
  sql("INSERT INTO delegate (id, login, state) VALUES ('810009999993', 'zoe@lab.test', 'pending')");
  sql("INSERT INTO mailbox (address, login, kind) VALUES ('zoe@lab.test', 'zoe@lab.test', 'ORG')");
  t.equal(state('810009999993'), 'pending', 'an organisation’s is nobody’s own');
  sql(`UPDATE mailbox SET kind = 'PER', owner = '${ANNE}' WHERE address = 'zoe@lab.test'`);
  t.equal(state('810009999993'), 'pending', 'nor somebody else’s');
  sql("UPDATE mailbox SET owner = NULL WHERE address = 'zoe@lab.test'");
  t.equal(state('810009999993'), 'active', 'their login’s, which names nobody, is theirs');
});

t.test(
  'who was suspended before they activated their account has nothing to activate once they have a mailbox',
  async (t) => {
    const { mandat, sql } = await site(t);
    await must(mandat('delegate', 'add', ALIX, '--login', 'alix@lab.test'));
    const again = async () => {
      await must(mandat('delegate', 'set', ALIX, '--state', 'suspended'));
      await must(mandat('delegate', 'set', ALIX, '--state', 'active'));
      return sql(`SELECT state FROM delegate WHERE id = '${ALIX}'`);
    };
    t.equal(await again(), 'pending', 'still to be activated');
    await must(mandat('delegate', 'set', ALIX, '--state', 'suspended'));
    await must(mandat('mailbox', 'add', 'alix.r@lab.test', '--login', 'alix@lab.test', '--kind', 'ORG'));
    await must(mandat('delegate', 'set', ALIX, '--state', 'active'));
    t.equal(sql(`SELECT state FROM delegate WHERE id = '${ALIX}'`), 'pending', 'an organisation’s is nobody’s own');
    await must(mandat('delegate', 'set', ALIX, '--state', 'suspended'));
    await must(mandat('mailbox', 'set', 'alix.r@lab.test', '--kind', 'PER', '--owner', ALIX));
    t.equal(sql(`SELECT state FROM delegate WHERE id = '${ALIX}'`), 'suspended');
    await must(mandat('delegate', 'set', ALIX, '--state', 'active'));
    t.equal(sql(`SELECT state FROM delegate WHERE id = '${ALIX}'`), 'active');
  },
);

/** Typed, what it becomes or why not. acl/contact-address.test.ts has the others. */
const CONTACTS: readonly (readonly [typed: string, becomes: string | RegExp, why: string])[] = [
  ['Zoe@Example.ORG', 'Zoe@example.org', 'folded behind the @, in its own case before it'],
  ['zoe@Münich.example', 'zoe@xn--mnich-kva.example', 'an international domain'],
  ['zoe@CHU.Example', /belongs to MSSanté/, 'listed, in upper case'],
  ['zoe@a.b.chu.example', /belongs to MSSanté/, 'below it'],
  ['zoe@SANTÉ.example', /belongs to MSSanté/, 'an international one'],
  ['zoe@xn--sant-epa.example', /belongs to MSSanté/, 'the same as punycode'],
  ['zoe@x.xn--sant-epa.example', /belongs to MSSanté/, 'below it'],
  ['zoe@chu.example.', /format attendu/, 'a trailing dot changes nothing'],
  ['zoe@example.org\nBcc: all@example.org', /^L'adresse mail ne respecte pas le format attendu.*\\nBcc/, 'a newline'],
  [`${'z'.repeat(288)}@example.org`, /format attendu/, '300 characters'],
  ['zoe', /format attendu/, 'no domain'],
  ['', /is needed/, 'none'],
];

t.test('contact addresses as they are typed', async (t) => {
  const directory = t.testdir({ 'list.xml': WHITE_LIST, private: {} });
  const said: string[] = [];
  const session = {
    warn: (line: string) => void said.push(line),
    files: dataFiles(directory),
  };
  t.equal(contactAddress(session, 'zoe@chu.example'), 'zoe@chu.example', 'before a white list was imported');
  t.match(said, [/no white list has been imported/]);
  importWhiteList(session.files.privateDirectory, path.join(directory, 'list.xml'), {
    maxShrinkPercent: 5,
    now: new Date().toISOString(),
  });
  for (const [typed, becomes, why] of CONTACTS) {
    if (typeof becomes === 'string') t.equal(contactAddress(session, typed), becomes, why);
    else
      t.match(await failure(() => contactAddress(session, typed)), { rule: 'MANDAT_CONTACT', message: becomes }, why);
  }
  t.equal(said.length, 1);
});
