/** On Cyrus: what was shared by hand is adopted, a pause writes nothing, and mandat is taken off. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { type CyrusSite, seen, startCyrusSite } from './cyrus-site.ts';
import { at } from './site.ts';
import { acl, does, withLogin } from './wire.ts';

let site: CyrusSite;
t.before(async () => {
  site = await startCyrusSite({ users: ['alice', 'bob', 'carol'], namespace: 'slashes' });
  await site.register('alice', 'bob', 'carol');
  await does(site, 'alice', 'CREATE Projets', 'SETACL INBOX bob lrswip', 'SETACL Projets bob lrs');
});
t.teardown(() => site?.stop());

const entry = (folder: string) => withLogin(site, 'alice', async (imap) => (await acl(imap, folder)).bob);

t.test('adopted, paused, taken off', async (t) => {
  const table = await site.mandat('adopt', '--dry-run');
  t.match(table, { status: 0, stdout: /alice@lab.test,bob,partial,2 of 6/ });
  const file = path.join(site.lab.directory, 'answers.csv');
  writeFileSync(file, `mailbox,login,sends,adopt\n${at('alice')},bob,yes,yes\n`);
  t.match(await site.mandat('adopt', '--answers', file, '--yes'), { status: 0, stdout: /1 of 1 entry adopted/ });
  t.match(await site.mandat('verify'), { status: 0 });

  t.match(await site.mandat('pause'), { status: 0 });
  t.match(await site.mandat('grant', at('alice'), at('carol')), { status: 1, stdout: /paused/ });
  t.same(await seen(site, 'carol'), {});
  t.match(await site.mandat('resume'), { status: 0 });
  t.ok(Object.keys(await seen(site, 'carol')).length > 0);

  const off = await site.mandat('uninstall', '--yes', '--quiet');
  t.match(off.stdout, /nothing of mandat's is left[\s\S]*no sender map is published/);
  for (const name of ['bob', 'carol']) t.same(await seen(site, name), {}, name);
  t.equal(await entry('INBOX'), undefined, 'an adopted entry goes');
  t.equal(await entry('Projets'), undefined);
});
