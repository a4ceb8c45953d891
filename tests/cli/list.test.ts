import t from 'tap';
import { builtMandat } from './built.ts';
import { ran } from './commands.ts';
import { desk, must } from './desk.ts';

const ROWS = `
  INSERT INTO mailbox (address) VALUES ('alice@lab.test'), ('carol@lab.test');
  INSERT INTO delegate (id, first_name, last_name) VALUES ('bob@lab.test', 'Bob', 'Martin'), ('dan@lab.test', 'Dän', NULL);
  INSERT INTO delegate (id, login, state) VALUES ('eve', 'eve@lab.test', 'suspended');
  INSERT INTO delegation (mailbox, delegate, created_at, created_by) VALUES ('alice@lab.test', 'bob@lab.test', '2026-01-15T12:00:00.000Z', 'webmail');
  INSERT INTO delegation (mailbox, delegate, starts_at, ends_at, note) VALUES ('alice@lab.test', 'dan@lab.test', '2999-06-30T22:00:00.000Z', '2999-12-31T22:59:59.999Z', 'congés');
  INSERT INTO delegation (mailbox, delegate, created_at) VALUES ('carol@lab.test', 'eve', '2026-07-15T12:00:00.000Z');
  INSERT INTO delegation (mailbox, delegate, created_at, ends_at) VALUES ('carol@lab.test', 'bob@lab.test', '2020-01-01T00:00:00.000Z', '2020-07-01T00:00:00.000Z');
`;

t.test('columns as in the guide, times in the policy’s zone', async (t) => {
  const { mandat, json, sql } = await desk(t);
  t.match(await mandat('list'), { status: 0, stdout: 'no delegations\n' });
  t.same(await json('list'), []);
  sql(ROWS);
  t.equal(
    (await must(mandat('list'))).stdout,
    `MAILBOX         IDENTIFIER    FIRST NAME  LAST NAME  LOGIN         STATE        SINCE                      UNTIL                      WHY                        NOTE
alice@lab.test  bob@lab.test  Bob         Martin     bob@lab.test  waiting      2026-01-15T13:00:00+01:00  -                          -                          -
alice@lab.test  dan@lab.test  Dän         -          dan@lab.test  not started  2999-07-01T00:00:00+02:00  2999-12-31T23:59:59+01:00  it has not started yet     congés
carol@lab.test  bob@lab.test  Bob         Martin     bob@lab.test  ended        2020-01-01T01:00:00+01:00  2020-07-01T02:00:00+02:00  it has ended               -
carol@lab.test  eve           -           -          eve@lab.test  suspended    2026-07-15T14:00:00+02:00  -                          the delegate is suspended  -
`,
  );
  const all = (await json('list')) as Record<string, unknown>[];
  t.same(
    all.map(({ mailbox, identifier }) => [mailbox, identifier]),
    [
      ['alice@lab.test', 'bob@lab.test'],
      ['alice@lab.test', 'dan@lab.test'],
      ['carol@lab.test', 'bob@lab.test'],
      ['carol@lab.test', 'eve'],
    ],
  );
  t.same(
    all[0],
    {
      mailbox: 'alice@lab.test',
      identifier: 'bob@lab.test',
      firstName: 'Bob',
      lastName: 'Martin',
      login: 'bob@lab.test',
      state: 'waiting',
      why: null,
      createdAt: '2026-01-15T12:00:00.000Z',
      createdBy: 'webmail',
      startsAt: null,
      endsAt: null,
      note: null,
      sendMode: null,
    },
    'instants in UTC for scripts',
  );
  t.match(all[1], { state: 'not started', why: /not started/, note: 'congés', createdBy: 'sql' });
  t.match(all[3], { state: 'suspended', why: /suspended/ });
});

t.test('filters', async (t) => {
  const { json, mandat, sql } = await desk(t);
  sql(ROWS);
  const found = async (...args: string[]) =>
    ((await json('list', ...args)) as { mailbox: string; identifier: string }[]).map(
      ({ mailbox, identifier }) => `${mailbox.split('@')[0]} ${identifier.split('@')[0]}`,
    );
  t.same(await found('--mailbox', 'Alice@LAB.test'), ['alice bob', 'alice dan']);
  t.same(await found('--delegate', 'BOB@lab.test'), ['alice bob', 'carol bob']);
  t.same(await found('--mailbox', 'carol@lab.test', '--delegate', 'eve'), ['carol eve']);
  t.same(await found('--mailbox', 'alice@lab.test', '--delegate', 'eve'), []);
  t.match(await mandat('list', '--mailbox', 'nobody@lab.test'), {
    status: 4,
    stderr: /no such mailbox: nobody@lab\.test/,
  });
  t.match(await mandat('list', '--delegate', 'nobody'), { status: 4, stderr: /no such delegate: nobody/ });
});

t.test('what other programs wrote cannot break a line or move the cursor', async (t) => {
  const { mandat, json, sql } = await desk(t);
  sql(`INSERT INTO mailbox (address) VALUES ('alice@lab.test');
    INSERT INTO delegate (id, first_name, last_name, profession) VALUES ('bob', 'Bob' || char(27) || '[2J', 'Mar' || char(10) || 'tin', 'x' || char(155) || '31m');
    INSERT INTO delegation (mailbox, delegate) VALUES ('alice@lab.test', 'bob')`);
  for (const args of [['list'], ['delegate', 'list'], ['delegate', 'show', 'bob']]) {
    const { stdout } = await must(mandat(...args)); // which refuses an escape by itself
    t.notMatch(stdout, '\u009b');
    t.match(stdout, /Mar\ufffdtin/, args.join(' '));
  }
  t.match(
    await json('delegate', 'show', 'bob'),
    { firstName: 'Bob\x1b[2J', lastName: 'Mar\ntin' },
    'JSON has its own escapes',
  );
});

t.test('a reader who has seen enough', async (t) => {
  const { mandat, sql, configFile } = await desk(t);
  sql(
    `INSERT INTO mailbox (address) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT 'm' || i || '@lab.test' FROM n`,
  );
  const line = [...(await builtMandat()), '--config', configFile, 'mailbox', 'list']
    .map((word) => `'${word}'`)
    .join(' ');
  t.match(await ran(['sh', '-c', `${line} | head -1`]), { status: 0, stdout: /^ADDRESS .*\n$/, stderr: '' });
  t.match(await ran(['sh', '-c', `${line} | true`]), { status: 0, stderr: '' });
  t.equal(
    (await must(mandat('mailbox', 'list'))).stdout.split('\n').length,
    3002,
    'and one who has not gets all of it',
  );
});
