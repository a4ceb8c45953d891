import { appendFileSync } from 'node:fs';
import t from 'tap';
import { type Desk, desk, must } from './desk.ts';

/** Two mailboxes and two delegates; carol's mailbox has a login that isn't its address, and an owner's identifier. */
async function populated(t: Parameters<typeof desk>[0]): Promise<Desk> {
  const made = await desk(t);
  made.sql(`INSERT INTO mailbox (address, login, owner, kind, eligible) VALUES ('alice@lab.test', NULL, NULL, NULL, NULL),
      ('carol@lab.test', 'carol', 'c42', NULL, NULL), ('closed@lab.test', NULL, NULL, NULL, 0), ('bureau@lab.test', NULL, NULL, 'ORG', NULL);
    INSERT INTO delegate (id, login) VALUES ('bob@lab.test', NULL), ('carol', NULL), ('c42', 'c42@lab.test'), ('alice@lab.test', NULL);`);
  return made;
}

t.test('a grant without a sidecar: saved, and saying so', async (t) => {
  const { mandat, json, sql } = await populated(t);
  const { status, stdout } = await mandat(
    'grant',
    '--no-wait',
    'Alice@LAB.test',
    'Bob@lab.test',
    '--note',
    'congés d’été',
  );
  t.equal(status, 0);
  t.match(
    stdout,
    /^alice@lab\.test delegated to bob@lab\.test: saved\. No sidecar is running.*mandat run.*mandat sync/,
  );
  t.equal(
    sql('SELECT mailbox, delegate, created_by, starts_at, ends_at, note FROM delegation').replace(
      /admin:\w+/,
      'admin:USER',
    ),
    'alice@lab.test|bob@lab.test|admin:USER|||congés d’été',
  );
  const saved = {
    saved: true,
    sidecar: false,
    withheld: null,
    missing: [],
    inForceMs: null,
    verifiedMs: null,
    notices: [],
    failure: null,
    putBack: null,
    others: [],
  };
  t.same(await json('grant', '--no-wait', 'carol@lab.test', 'bob@lab.test', '--ends', '2099-12-31'), {
    mailbox: 'carol@lab.test',
    delegate: 'bob@lab.test',
    ...saved,
  });
  t.equal(
    sql("SELECT ends_at FROM delegation WHERE mailbox = 'carol@lab.test'"),
    '2099-12-31T22:59:59.999Z',
    'a date: to its end',
  );

  t.same(await json('revoke', '--no-wait', 'Alice@lab.test', 'bob@lab.test', '--yes'), {
    mailbox: 'alice@lab.test',
    delegate: 'bob@lab.test',
    ...saved,
  });
  t.match(await mandat('revoke', '--no-wait', 'carol@lab.test', 'bob@lab.test', '--yes'), {
    status: 0,
    stdout: /^carol@lab\.test no longer delegated to bob@lab\.test: saved\. No sidecar is running/,
  });
  t.equal(sql('SELECT count(*) FROM delegation'), '0');
  t.equal(sql('SELECT count(*) FROM intents'), '2', 'asked for by name: no guard holds it');
});

t.test('a grant that is not in force yet says why', async (t) => {
  const { mandat, json, sql } = await populated(t);
  sql(
    "UPDATE delegate SET state = 'suspended' WHERE id = 'carol'; UPDATE delegate SET credential_valid_until = '2020-01-01T00:00:00.000Z' WHERE id = 'c42'",
  );
  t.match((await must(mandat('grant', '--no-wait', 'alice@lab.test', 'carol'))).stdout, /saved.*\n.*suspended/);
  t.match(await json('grant', '--no-wait', 'alice@lab.test', 'c42'), { saved: true, withheld: /lapsed/ });
  t.match(await json('grant', '--no-wait', 'alice@lab.test', 'bob@lab.test', '--starts', '2999-01-01'), {
    saved: true,
    withheld: /not started/,
  });
});

t.test('refused by a rule: 3 and its name; nobody there: 4; neither writes anything', async (t) => {
  const { mandat, json, sql } = await populated(t);
  await must(mandat('grant', '--no-wait', 'alice@lab.test', 'bob@lab.test'));
  const before = sql('SELECT * FROM delegation');
  const cases: readonly (readonly [mailbox: string, delegate: string, status: number, rule: string, why: string])[] = [
    ['alice@lab.test', 'bob@lab.test', 3, 'MANDAT_DUPLICATE', 'twice'],
    ['ALICE@lab.test', 'BOB@lab.test', 3, 'MANDAT_DUPLICATE', 'in any case'],
    ['alice@lab.test', 'alice@lab.test', 3, 'MANDAT_SELF', 'to themselves'],
    ['carol@lab.test', 'carol', 3, 'MANDAT_SELF', 'to themselves, by their login'],
    ['carol@lab.test', 'c42', 3, 'MANDAT_SELF', "to themselves, by the owner's identifier"],
    ['closed@lab.test', 'bob@lab.test', 3, 'MANDAT_NOT_ELIGIBLE', 'not eligible'],
    ['bureau@lab.test', 'bob@lab.test', 3, 'MANDAT_NOT_PERSONAL', "an organisation's"],
    ['alice@lab.test', 'anyone', 3, 'MANDAT_LOGIN', 'to everybody'],
    ['alice@lab.test', '$staff', 3, 'MANDAT_LOGIN', 'to a group'],
    ['alice@lab.test', 'x\r\ny', 3, 'MANDAT_LOGIN', 'to two lines'],
    ['anyone', 'bob@lab.test', 3, 'MANDAT_ADDRESS', "everybody's"],
    ['nobody@lab.test', 'bob@lab.test', 4, 'MANDAT_UNKNOWN_MAILBOX', 'no such mailbox'],
    ['alice@lab.test', 'nobody', 4, 'MANDAT_UNKNOWN_DELEGATE', 'no such delegate'],
  ];
  for (const [mailbox, delegate, status, rule, why] of cases) {
    const said = await mandat('grant', '--no-wait', mailbox, delegate);
    t.match({ ...said, stderr: said.stderr.replace(/\n */g, ' ') }, { status, stdout: '', stderr: `(${rule})` }, why);
  }
  t.match(await json('grant', '--no-wait', 'alice@lab.test', 'nobody'), {
    error: {
      code: 'absent',
      rule: 'MANDAT_UNKNOWN_DELEGATE',
      message: 'no such delegate: nobody',
      hint: /mandat delegate add nobody/,
    },
  });
  for (const [mailbox, delegate, says] of [
    ['nobody@lab.test', 'bob@lab.test', /no such mailbox: nobody@lab\.test/],
    ['alice@lab.test', 'nobody', /no such delegate: nobody/],
    ['carol@lab.test', 'bob@lab.test', /carol@lab\.test is not delegated to bob@lab\.test/],
  ] as const)
    t.match(
      await mandat('revoke', '--no-wait', mailbox, delegate, '--yes'),
      { status: 4, stdout: '', stderr: says },
      'revoke',
    );
  t.equal(sql('SELECT * FROM delegation'), before);
});

t.test('the eleventh', async (t) => {
  const { mandat, json, sql, configFile } = await populated(t);
  for (let number = 1; number <= 10; number++)
    sql(
      `INSERT INTO delegate (id) VALUES ('d${number}'); INSERT INTO delegation (mailbox, delegate) VALUES ('alice@lab.test', 'd${number}')`,
    );
  t.match(await json('grant', '--no-wait', 'alice@lab.test', 'bob@lab.test'), {
    error: {
      code: 'refused',
      rule: 'MANDAT_LIMIT',
      message: /^alice@lab\.test to bob@lab\.test: /,
      hint: /mandat list --mailbox alice@lab\.test.*max_delegates/,
    },
  });
  t.equal((await mandat('grant', '--no-wait', 'alice@lab.test', 'bob@lab.test')).status, 3);
  appendFileSync(configFile, '[policy]\nmax_delegates = 11\n');
  t.match(
    await mandat('grant', '--no-wait', 'alice@lab.test', 'bob@lab.test'),
    { status: 0 },
    'another limit in the configuration counts at once',
  );
  t.equal((await mandat('grant', '--no-wait', 'alice@lab.test', 'carol')).status, 3);
});

t.test('times', async (t) => {
  const { mandat, sql } = await populated(t);
  const cases: readonly (readonly [options: readonly string[], status: number, says: RegExp, why: string])[] = [
    [['--ends', '2020-01-01'], 2, /--ends 2020-01-01: .*past/, 'over before it begins'],
    [['--ends', '2099-12-31T18:00'], 2, /--ends 2099-12-31T18:00: the time zone is missing\n.*Z/, 'whose six o’clock?'],
    [['--starts', '2099-02-29'], 2, /--starts 2099-02-29: there is no such day/, 'no leap year'],
    [['--ends', 'next week'], 2, /ISO 8601/, 'words'],
    [
      ['--starts', '2099-12-31', '--ends', '2099-01-01'],
      3,
      /alice@lab\.test to bob@lab\.test: .*MANDAT_ORDER/,
      'it ends before it starts',
    ],
    [['--starts', '2099-01-01', '--ends', '2099-01-01'], 0, /saved/, 'one whole day'],
  ];
  for (const [options, status, says, why] of cases) {
    const said = await mandat('grant', '--no-wait', 'alice@lab.test', 'bob@lab.test', ...options);
    t.match({ status: said.status, said: said.stdout + said.stderr }, { status, said: says }, why);
    t.equal(sql('SELECT count(*) FROM delegation'), status === 0 ? '1' : '0');
  }
  t.equal(sql('SELECT starts_at, ends_at FROM delegation'), '2098-12-31T23:00:00.000Z|2099-01-01T22:59:59.999Z');
  await must(
    mandat(
      'grant',
      '--no-wait',
      'carol@lab.test',
      'bob@lab.test',
      '--starts',
      '2028-02-29',
      '--ends',
      '9999-12-31T23:59:59.999Z',
    ),
  );
  t.equal(
    sql("SELECT starts_at, ends_at FROM delegation WHERE mailbox = 'carol@lab.test'"),
    '2028-02-28T23:00:00.000Z|9999-12-31T23:59:59.999Z',
  );
});
