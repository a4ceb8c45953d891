import t from 'tap';
import { desk, must } from './desk.ts';

t.test('add, list, show, set, remove', async (t) => {
  const { mandat, json } = await desk(t);
  t.match(await mandat('delegate', 'list'), { status: 0, stdout: 'no delegates\n' });
  t.match(await mandat('delegate', 'add', 'Bob@LAB.test'), { status: 0, stdout: 'bob@lab.test added\n', stderr: '' });
  const names = ['--first-name', 'Éloïse', '--last-name', "d'Arc", '--profession', 'Médecin'];
  await must(
    mandat('delegate', 'add', 'ed', '--login', 'Eloise@lab.test', ...names, '--credential-until', '2030-07-14'),
  );
  const { stdout } = await must(mandat('delegate', 'list'));
  t.equal(
    stdout,
    `IDENTIFIER    FIRST NAME  LAST NAME  LOGIN            STATE   CREDENTIAL UNTIL           MAILBOXES
bob@lab.test  -           -          bob@lab.test     active  -                          0
ed            Éloïse      d'Arc      eloise@lab.test  active  2030-07-14T23:59:59+02:00  0
`,
    "aligned; a date means the end of that day in the policy's time zone",
  );
  t.same(await json('delegate', 'show', 'ED'), {
    identifier: 'ed',
    login: 'eloise@lab.test',
    firstName: 'Éloïse',
    lastName: "d'Arc",
    profession: 'Médecin',
    state: 'active',
    credentialValidUntil: '2030-07-14T21:59:59.999Z',
    listed: null,
    mailboxes: [],
  });
  await must(mandat('delegate', 'set', 'ed', '--state', 'suspended', '--credential-until', 'never'));
  t.match(
    await json('delegate', 'show', 'ed'),
    { state: 'suspended', credentialValidUntil: '9999-12-31T23:59:59.999Z', firstName: 'Éloïse' },
    'the rest stays',
  );
  await must(mandat('delegate', 'set', 'ed', '--login', 'ed@lab.test'));
  t.match(
    (await must(mandat('delegate', 'show', 'ed'))).stdout,
    /^identifier +ed\nlogin +ed@lab\.test\n.*state +suspended\n/s,
  );

  await must(mandat('mailbox', 'add', 'alice@lab.test'));
  await must(mandat('grant', '--no-wait', 'alice@lab.test', 'ed'));
  t.match(await json('delegate', 'show', 'ed'), { mailboxes: ['alice@lab.test'] });
  t.match(await mandat('delegate', 'remove', 'ed'), { status: 2, stderr: /nothing was changed\n.*--yes/ });
  t.match(
    (await must(mandat('delegate', 'remove', 'ed', '--yes', '--no-wait'))).stdout,
    /^ed removed, which ends their access to alice@lab\.test\. No sidecar is running: it takes effect when one does/,
  );
  t.match(await mandat('delegate', 'show', 'ed'), {
    status: 4,
    stderr: /no such delegate: ed.*MANDAT_UNKNOWN_DELEGATE/,
  });
  t.same(await json('list'), []);
});

/** R6 and design.md: what an ACL or a sender map would read as something else than one user. arguments.test.ts has the others. */
const HOSTILE: readonly (readonly [login: string, why: string])[] = [
  ['anyone', 'everybody'],
  ['-bob', 'a negative entry'],
  ['$group', 'a group'],
  ['x\r\ny', 'two lines'],
  ['', 'nothing'],
  ['rené', 'not ASCII'],
];

t.test('hostile identifiers and logins are refused before anything is opened', async (t) => {
  const { mandat, sql } = await desk(t);
  for (const [login, why] of HOSTILE) {
    const expected = { status: 3, stdout: '', stderr: /^mandat: ".*" is refused as a login: .*\(MANDAT_LOGIN\)\n$/ };
    t.match(await mandat('delegate', 'add', '--', login), expected, `${why}, as an identifier`);
    if (['anyone', '-bob'].includes(login))
      t.match(await mandat('delegate', 'add', 'bob', `--login=${login}`), expected, `${why}, as a login`);
  }
  t.equal(sql('SELECT count(*) FROM delegate'), '0');
});

t.test('refused, and saying whom it is about', async (t) => {
  const { mandat, json } = await desk(t);
  await must(mandat('delegate', 'add', 'bob', '--login', 'bob@lab.test'));
  const cases: readonly (readonly [args: readonly string[], status: number, says: RegExp, why: string])[] = [
    [['add', 'BOB'], 3, /bob: .*exists already.*MANDAT_DUPLICATE/, 'twice'],
    [
      ['add', 'carol', '--login', 'bob@lab.test'],
      3,
      /carol: another delegate has this login.*MANDAT_DUPLICATE/,
      "another's login",
    ],
    [['set', 'carol', '--profession', 'x'], 4, /no such delegate: carol.*MANDAT_UNKNOWN_DELEGATE/, 'nobody'],
    [['remove', 'carol', '--yes'], 4, /no such delegate: carol/, 'nobody'],
    [
      ['add', 'carol', '--credential-until', '2026-02-29'],
      2,
      /--credential-until 2026-02-29: there is no such day\n/,
      'no such day',
    ],
    [['add', 'carol', '--credential-until', '2026-12-31T18:00'], 2, /the time zone is missing\n.*\+01:00/, 'no zone'],
  ];
  for (const [args, status, says, why] of cases)
    t.match(await mandat('delegate', ...args), { status, stdout: '', stderr: says }, why);
  t.match(await json('delegate', 'add', 'bob'), {
    error: { code: 'refused', rule: 'MANDAT_DUPLICATE', message: /bob/ },
  });
  t.match(await json('delegate', 'list'), [{ identifier: 'bob' }]);
});
