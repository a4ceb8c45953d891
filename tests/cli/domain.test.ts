/** domain: a rollout, domain by domain. R26. */
import { appendFileSync } from 'node:fs';
import t from 'tap';
import { desk, must } from './desk.ts';

t.test('set, list, remove', async (t) => {
  const { mandat, json, sql, configFile } = await desk(t);
  t.match(await mandat('domain', 'list'), { status: 0, stdout: 'no domains\n' });
  sql(`INSERT INTO mailbox (address) VALUES ('alice@lab.test'), ('carol@lab.test'), ('dan@other.test');
    INSERT INTO delegate (id) VALUES ('bob'); INSERT INTO delegation (mailbox, delegate) VALUES ('alice@lab.test', 'bob')`);
  t.match(await mandat('domain', 'set', 'LAB.test', '--not-eligible', '--no-wait'), {
    status: 0,
    stdout: /^lab\.test: closed to delegation \(2 mailboxes, 1 delegation\)\. No sidecar is running/,
  });
  t.match(await json('list'), [{ state: 'suspended', why: "the mailbox's domain is not open to delegation" }]);
  t.match(await json('explain', 'alice@lab.test', 'bob'), [
    { inForce: false, conditions: { 3: { holds: false, remedy: '"mandat domain set lab.test --eligible"' } } },
  ]);
  t.match(await json('grant', '--no-wait', 'carol@lab.test', 'bob'), {
    error: { rule: 'MANDAT_NOT_ELIGIBLE', message: /domain of this mailbox/, hint: /domain set lab\.test --eligible/ },
  });
  t.match(await json('domain', 'set', 'lab.test', '--not-eligible'), { eligible: false, changed: false });
  t.match(await mandat('domain', 'set', 'lab.test', '--not-eligible'), { stdout: /^lab\.test: as it was/ });
  await must(mandat('domain', 'set', 'Münich.example', '--eligible'));
  t.equal(
    (await must(mandat('domain', 'list'))).stdout,
    `DOMAIN                 ELIGIBLE  DECIDED BY                 MAILBOXES  DELEGATIONS
lab.test               no        domain set                 2          1
other.test             yes       [policy] eligible_domains  1          0
xn--mnich-kva.example  yes       domain set                 0          0
`,
  );
  t.match(await json('domain', 'remove', 'lab.test', '--no-wait'), { eligible: true, decided: false, delegations: 1 });
  t.match(await json('list'), [{ why: null }], 'and back, without anybody granting anew');
  t.match(await mandat('domain', 'remove', 'lab.test'), {
    status: 4,
    stderr: /nothing has been decided on.*lab\.test/,
  });

  appendFileSync(configFile, '[policy]\neligible_domains = "listed"\n');
  await must(mandat('domain', 'set', 'other.test', '--eligible', '--no-wait'));
  t.match(await json('domain', 'list'), [
    { domain: 'lab.test', eligible: false, decided: false },
    { domain: 'other.test', eligible: true, decided: true, mailboxes: 1 },
    { domain: 'xn--mnich-kva.example', eligible: true },
  ]);
  t.match(
    sql("SELECT actor || ' ' || action FROM events WHERE action GLOB 'domain*' LIMIT 1"),
    /^admin:\w+ domain-set$/,
  );
});

t.test('bad input', async (t) => {
  const { mandat, sql } = await desk(t);
  const cases: readonly (readonly [args: readonly string[], status: number, says: RegExp])[] = [
    [['set', 'lab.test'], 2, /either --eligible or --not-eligible/],
    [['set', 'lab.test', '--eligible', '--not-eligible'], 2, /either/],
    [['set', 'alice@lab.test', '--eligible'], 3, /MANDAT_DOMAIN/],
    [['set', '', '--eligible'], 3, /MANDAT_DOMAIN/],
    [['set', '*', '--eligible'], 3, /MANDAT_DOMAIN/],
    [['set', 'lab.test/x', '--eligible'], 3, /MANDAT_DOMAIN/],
    [['set', 'lab..test', '--eligible'], 3, /MANDAT_DOMAIN/],
    [['set', '127.0.0.1', '--eligible'], 3, /MANDAT_DOMAIN/],
    [['set', `${'x'.repeat(300)}.test`, '--eligible'], 3, /MANDAT_DOMAIN/],
    [['set', 'lab.test\nother.test', '--eligible'], 3, /MANDAT_DOMAIN/],
  ];
  for (const [args, status, says] of cases)
    t.match(await mandat('domain', ...args), { status, stdout: '', stderr: says }, args.join(' '));
  t.equal(sql('SELECT count(*) FROM domains'), '0');
});
