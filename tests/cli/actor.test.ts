/** --as: an owner manages the delegations of their own mailbox, a delegate none, an admin anybody's; and the trail says who did. R3, R33, R53. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { openIdentity } from '../../bridge/acting/identity.ts';
import { readActor } from '../../cli/actor.ts';
import { asMandat } from '../store/shell.ts';
import { desk, must } from './desk.ts';

const ALICE = '899700245667';
const CAROL = '899700366240';
const BOB = '899700218896';
const DAN = '899700075064';
const R53 =
  /Vous ne pouvez pas mettre fin à une délégation mise en place par un professionnel délégant\. Si besoin, le contacter\. .*\(MANDAT_ACTOR\)/;

const CONFIG = `data_dir = "data"
[identity]
allow_test_identities = true
unknown_credential = "valid"
[imap]
port = 1
tls = "none"
timeout_seconds = 1
`;

/** alice and carol own a mailbox each, erin's owner is known by their login alone; bob has alice's already. */
async function made(t: Test) {
  const here = await desk(t, { config: CONFIG });
  here.sql(`INSERT INTO mailbox (address, owner) VALUES ('alice@lab.test', '${ALICE}'), ('carol@lab.test', '${CAROL}'), ('erin@lab.test', NULL);
    INSERT INTO delegate (id, login) VALUES ('${BOB}', 'bob'), ('${DAN}', 'dan');
    INSERT INTO delegation (mailbox, delegate) VALUES ('alice@lab.test', '${BOB}'), ('carol@lab.test', '${DAN}'); ${asMandat('DELETE FROM events')}`);
  return { ...here, as: (actor: string, ...args: readonly string[]) => here.mandat('--as', actor, ...args) };
}

t.test('an owner: their own mailbox and no other', async (t) => {
  const { as, json, sql, directory } = await made(t);
  const owner = `owner:${ALICE}`;
  await must(as(owner, 'grant', '--no-wait', 'alice@lab.test', DAN, '--acknowledge'));
  await must(as(owner, 'suspend', '--no-wait', 'alice@lab.test', DAN));
  await must(as(owner, 'resume', '--no-wait', 'alice@lab.test', DAN));
  await must(as(owner, 'revoke', '--no-wait', 'alice@lab.test', DAN, '--yes'));
  const file = path.join(directory, 'rows.csv');
  writeFileSync(file, `mailbox,delegate\nalice@lab.test,${DAN}\n`);
  await must(as(owner, 'grant', '--no-wait', '--from', file, '--acknowledge'));
  t.equal(
    sql("SELECT group_concat(action, ' ') FROM (SELECT action FROM events ORDER BY id)"),
    'grant change change revoke grant',
  );
  t.equal(sql('SELECT DISTINCT actor, on_behalf FROM events'), `${owner}|`, 'they act themselves, for themselves');
  t.match(sql('SELECT DISTINCT via FROM events'), /^\w+$/, 'at whose keyboard');
  t.equal(sql(`SELECT created_by FROM delegation WHERE mailbox = 'alice@lab.test' AND delegate = '${DAN}'`), owner);
  t.match(await json('--as', owner, 'list'), [{ mailbox: 'alice@lab.test' }, { mailbox: 'alice@lab.test' }]);
  t.same(await json('--as', owner, 'list', '--mailbox', 'carol@lab.test'), []);
  t.match(await json('--as', owner, 'explain', 'alice@lab.test', BOB), [{ inForce: true, conditions: { length: 19 } }]);
  t.match(await json('--as', owner, 'history', 'alice@lab.test'), [{ action: 'grant' }]);

  writeFileSync(file, `mailbox,delegate\nalice@lab.test,${DAN}\ncarol@lab.test,${DAN}\n`);
  const before = sql('SELECT * FROM delegations');
  for (const args of [
    ['grant', 'carol@lab.test', BOB, '--acknowledge'],
    ['revoke', 'carol@lab.test', DAN, '--yes'],
    ['suspend', 'carol@lab.test', DAN],
    ['resume', 'carol@lab.test', DAN],
    ['explain', 'carol@lab.test'],
    ['history', 'carol@lab.test'],
    ['revoke', '--from', file, '--yes'],
    ['revoke', 'erin@lab.test', DAN, '--yes'],
  ])
    t.match(
      await as(owner, ...args),
      { status: 3, stdout: '', stderr: /is not a mailbox of owner:899700245667/ },
      args.join(' '),
    );
  for (const args of [
    ['mailbox', 'set', 'alice@lab.test', '--eligible'],
    ['domain', 'set', 'lab.test', '--not-eligible'],
    ['delegate', 'credential', BOB, '--revoked'],
    ['audit'],
    ['directory', 'status'],
    ['status'],
    ['sync', '--force'],
  ])
    t.match(
      await as(owner, ...args),
      { status: 3, stdout: '', stderr: /may not do this: it is for admins/ },
      args.join(' '),
    );
  t.equal(sql('SELECT * FROM delegations'), before);
  t.match(await as('owner:erin@lab.test', 'list'), { status: 0, stdout: 'no delegations\n' }, 'known by their login');
});

t.test('a delegate: no delegation, by no path', async (t) => {
  const { as, json, sql, directory } = await made(t);
  const file = path.join(directory, 'rows.csv');
  writeFileSync(file, `mailbox,delegate\nalice@lab.test,${BOB}\n`);
  const before = sql('SELECT * FROM delegations');
  for (const args of [
    ['revoke', 'alice@lab.test', BOB, '--yes'],
    ['grant', 'alice@lab.test', BOB, '--acknowledge'],
    ['grant', 'carol@lab.test', BOB, '--acknowledge', '--force', 'because'],
    ['suspend', 'alice@lab.test', BOB],
    ['resume', 'alice@lab.test', BOB],
    ['revoke', 'nobody@lab.test', BOB, '--yes'],
    ['revoke', '--from', file, '--yes'],
    ['revoke', '--from', file, '--atomic', '--yes'],
    ['grant', '--from', file, '--acknowledge'],
  ])
    t.match(await as(`delegate:${BOB}`, ...args), { status: 3, stdout: '', stderr: R53 }, args.join(' '));
  t.match(
    await as(`delegate:${ALICE}`, 'revoke', 'alice@lab.test', BOB, '--yes'),
    { status: 3, stderr: R53 },
    'nor the owner, as a delegate',
  );
  t.match(await as(`delegate:${BOB}`, 'delegate', 'remove', BOB, '--yes'), { status: 3, stderr: /for admins/ });
  for (const command of ['explain', 'history'])
    t.match(await as(`delegate:${BOB}`, command, 'alice@lab.test'), {
      status: 3,
      stderr: /it is for admins and owners/,
    });
  t.equal(sql('SELECT * FROM delegations'), before);
  t.equal(sql("SELECT count(*) FROM events WHERE action <> 'refused'"), '0', 'nothing was done');
  t.equal(sql("SELECT count(*) FROM events WHERE actor GLOB 'delegate:*'"), '13', 'and each attempt is on record');
  t.match(await json('--as', `delegate:${BOB}`, 'list'), [{ mailbox: 'alice@lab.test', identifier: BOB }]);
  t.same(await json('--as', `delegate:${BOB}`, 'list', '--mailbox', 'carol@lab.test'), [], 'what is not theirs');
  t.same(
    await json('--as', `delegate:${BOB}`, 'list', '--mailbox', 'nobody@lab.test'),
    [],
    'looks like what is not there',
  );
  t.same(await json('--as', `delegate:${BOB}`, 'list', '--delegate', DAN), []);
});

t.test('an admin: for the owner, and the trail says so', async (t) => {
  const { as, mandat, sql } = await made(t);
  await must(as('admin:marie', 'revoke', '--no-wait', 'alice@lab.test', BOB, '--yes'));
  t.match(sql('SELECT actor, on_behalf, via FROM events'), new RegExp(`^admin:marie\\|owner:${ALICE}\\|\\w+$`));
  sql(asMandat('DELETE FROM events'));
  await must(mandat('grant', '--no-wait', 'erin@lab.test', BOB, '--acknowledge'));
  t.match(
    sql('SELECT actor, on_behalf, via FROM events'),
    /^admin:\w+\|owner:erin@lab\.test\|$/,
    'the user at the keyboard',
  );
  t.equal(sql("SELECT json_extract(detail, '$.acknowledged') FROM events"), '2025-11', 'which text was acknowledged');
  sql(asMandat('DELETE FROM events'));
  sql(`DELETE FROM delegation WHERE mailbox = 'erin@lab.test'`);
  t.equal(sql('SELECT actor, on_behalf, via FROM events'), 'sql||', 'another program: nobody knows for whom');
});

t.test('R23: the text is shown, and needs a yes or --acknowledge', async (t) => {
  const { mandat, sql } = await made(t);
  const { status, stdout, stderr } = await mandat('grant', '--no-wait', 'alice@lab.test', DAN);
  t.match(
    { status, stdout, stderr },
    { status: 2, stdout: '', stderr: /^Vous êtes responsable des accès ouverts .* secret professionnel\./m },
  );
  t.match(stderr, /--acknowledge/);
  t.equal(sql(`SELECT count(*) FROM delegation WHERE delegate = '${DAN}'`), '1', 'nothing was written');
});

t.test('nobody in particular', async (t) => {
  const identity = openIdentity(
    { scheme: 'rpps', strict: false, allowTestIdentities: true, unknownCredential: 'valid' },
    () => {},
  );
  const cases: readonly (readonly [actor: string, code: string, says: RegExp])[] = [
    ['bob', 'config', /this is nobody/],
    ['', 'config', /this is nobody/],
    ['root:x', 'config', /this is nobody/],
    ['OWNER:x', 'config', /this is nobody/],
    ['admin:', 'config', /this is no name/],
    ['admin:a b', 'config', /this is no name/],
    ['admin:x\x1b[2J', 'config', /\\u001b\[2J: this is no name/],
    [`admin:${'x'.repeat(65)}`, 'config', /this is no name/],
    ['owner:', 'refused', /it is empty/],
    ['owner:0751012345', 'refused', /ADELI/],
    ['delegate:anyone', 'refused', /anyone/],
  ];
  for (const [actor, code, message] of cases)
    t.throws(() => readActor(actor, identity), { code, message }, JSON.stringify(actor));
  t.same(readActor('owner:8 9970.0245-667', identity), { kind: 'owner', identifier: ALICE });
  t.same(readActor('admin:Zoé.m', identity), { kind: 'admin', name: 'Zoé.m' });
});
