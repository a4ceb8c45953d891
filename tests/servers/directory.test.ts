/** Gone from the directory: access, sending and open sessions end by themselves, and all of it comes back with the identity. R5, R14, R27. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { extractOf, type Line, personLines } from '../directory/extract-maker.ts';
import { verify } from './inside.ts';
import { at, startSite } from './site.ts';
import { granted, seen } from './wire.ts';

const BOB: Line = { identifier: '810101026994', lastName: 'MARTIN', firstName: 'BOB' };
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
  t.ok(await open.waitForBye(10_000).then(() => true), 'his open session ends');
  t.same(await seen(site, 'alice', 'bob'), {});
  t.match(await site.mandat('list'), { stdout: /suspended/ });
  t.match(await site.mandat('explain', at('alice'), BOB.identifier), {
    stdout: /not in force: .*his RPPS identity is not active/,
  });
  t.same(await verify(site), []);

  await imports(BOB);
  t.strictSame(await seen(site, 'alice', 'bob'), granted(), 'back, without anybody doing anything');
  t.same(await verify(site), []);
});
