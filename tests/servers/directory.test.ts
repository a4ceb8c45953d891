/** Gone from the directory: access, sending and open sessions end by themselves, and all of it comes back with the identity. R5, R14, R27. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { extractOf, type Line, personLines } from '../directory/extract-maker.ts';
import { verify } from './inside.ts';
import { at, startSite } from './site.ts';
import { senderAnswer } from './submission.ts';
import { granted, seen } from './wire.ts';

const BOB: Line = { identifier: '810101026994', lastName: 'MARTIN', firstName: 'BOB' };
const ALICE: Line = { identifier: '815000000108', lastName: 'DUPONT', firstName: 'ALICE' };
const CROWD = Array.from({ length: 100 }, (_, n) => personLines(n)).flat();

t.test('an import suspends and resumes', async (t) => {
  const site = await startSite({ users: ['alice', 'bob'], scheme: 'rpps' });
  t.teardown(() => site.stop());
  const imports = async (...people: readonly Line[]) => {
    const file = path.join(site.lab.directory, 'extract.txt');
    writeFileSync(file, extractOf([...CROWD, ...people]));
    const { status, stderr } = await site.mandat('directory', 'import', file);
    if (status !== 0) throw new Error(stderr);
    await site.settled();
  };
  await imports(BOB);
  await site.run();
  for (const args of [
    ['mailbox', 'add', at('alice')],
    ['delegate', 'add', BOB.identifier, '--login', at('bob')],
    ['grant', at('alice'), '10101026994'],
  ])
    t.match(await site.mandat(...args), { status: 0 }, args.join(' '));
  t.strictSame(await seen(site, 'alice', 'bob'), granted());
  const open = await site.login('bob');
  t.match(await open.command(`SELECT "shared/${at('alice')}"`), { status: 'OK' });

  await imports();
  t.ok(await open.waitForBye(10_000).then(() => true), 'their open session ends');
  t.same(await seen(site, 'alice', 'bob'), {});
  t.match(await site.mandat('list'), { stdout: /suspended/ });
  t.match(await site.mandat('explain', at('alice'), BOB.identifier), {
    stdout: /not in force: .*their RPPS identity is not active/,
  });
  t.same(await verify(site), []);

  await imports(BOB);
  t.strictSame(await seen(site, 'alice', 'bob'), granted(), 'back, without anybody doing anything');
  t.same(await verify(site), []);

  const again = await site.login('bob');
  t.match(await again.command(`SELECT "shared/${at('alice')}"`), { status: 'OK' });
  t.match(await site.mandat('mailbox', 'set', at('alice'), '--owner', ALICE.identifier), { status: 0 });
  t.match(
    await again.waitForBye(10_000),
    /\S/,
    'an owner whom the directory does not list: her delegations are suspended (A10)',
  );
  await site.settled();
  t.same(await seen(site, 'alice', 'bob'), {});
  await imports(BOB, ALICE);
  t.strictSame(await seen(site, 'alice', 'bob'), granted(), 'and back with her');

  const third = await site.login('bob');
  t.match(await third.command(`SELECT "shared/${at('alice')}"`), { status: 'OK' });
  t.match(await site.mandat('domain', 'set', 'lab.test', '--not-eligible'), { status: 0 });
  t.match(await third.waitForBye(10_000), /\S/, 'a closed domain (R26)');
  await site.settled();
  t.same(await seen(site, 'alice', 'bob'), {});
  t.same((await senderAnswer(site, 'bob', at('alice'))).code, 553);
  t.match(await site.mandat('domain', 'set', 'lab.test', '--eligible'), { status: 0 });
  await site.settled();
  t.strictSame(await seen(site, 'alice', 'bob'), granted(), 'opened again');
  t.same((await senderAnswer(site, 'bob', at('alice'))).code, 250);
  t.equal((await site.sql('SELECT count(*) FROM delegation')).trim(), '1', 'its row was never gone');
});
