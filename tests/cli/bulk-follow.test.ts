/** A file of grants and revokes with a sidecar that works on them: waited for, and what went wrong where. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { at, type Site, startSite } from '../servers/site.ts';
import { granted, seen } from '../servers/wire.ts';
import { builtMandat } from './built.ts';
import { atTerminal, readable } from './terminal.ts';

const OWNERS = ['alice', 'carol', 'erin'];

let site: Site;
t.before(async () => {
  site = await startSite({ users: [...OWNERS, 'bob', 'dan'], postfix: false });
  await site.register('alice', 'bob', 'dan');
  for (const owner of OWNERS.slice(1)) await site.register(owner);
  await site.sql("INSERT INTO mailbox (address) VALUES ('gone@lab.test')");
  await site.run();
});
t.teardown(() => site?.stop());

function file(...pairs: readonly (readonly [string, string])[]): string {
  const name = path.join(site.lab.directory, 'many.csv');
  writeFileSync(
    name,
    `mailbox,delegate\n${pairs.map(([owner, delegate]) => `${at(owner)},${at(delegate)}\n`).join('')}`,
  );
  return name;
}
const everything = () => file(...OWNERS.flatMap((owner) => [[owner, 'bob'] as const, [owner, 'dan'] as const]));

t.test('verified, each mailbox once', async (t) => {
  t.match(await site.mandat('grant', '--from', everything()), {
    status: 0,
    stdout: '6 of 6 granted\n  verified at 3 of 3 mailboxes\n',
    stderr: '',
  });
  for (const owner of OWNERS) for (const one of ['bob', 'dan']) t.same(await seen(site, owner, one), granted());
  t.same(
    JSON.parse(
      (await site.mandat('--json', 'revoke', '--from', file(['alice', 'bob'], ['carol', 'dan']), '--yes')).stdout,
    ),
    {
      saved: 2,
      refused: [],
      mailboxes: 2,
      verified: 2,
      putBack: [],
      failures: [],
    },
  );
  t.same(await seen(site, 'alice', 'bob'), {});
  t.same(await seen(site, 'alice', 'dan'), granted());
});

t.test('at a terminal a bar says how far it is, and nothing of it stays', async (t) => {
  const from = file(['alice', 'bob'], ['carol', 'dan']);
  const seenThere = await atTerminal([...(await builtMandat()), '--config', site.configFile, 'grant', '--from', from]);
  t.equal(seenThere.status, 0);
  t.match(readable(seenThere), /verified .* 0\/2/);
  t.match(readable(seenThere), /2 of 2 granted\n {2}verified at 2 of 2 mailboxes\n/);
});

t.test('one that can not be done is named at once, without waiting for the limit, and hinders no other', async (t) => {
  const from = file(['gone', 'bob'], ['erin', 'bob'], ['erin', 'dan']);
  await site.mandat('revoke', '--from', file(['erin', 'bob'], ['erin', 'dan']), '--yes');
  file(['gone', 'bob'], ['erin', 'bob'], ['erin', 'dan']);
  const began = performance.now();
  const said = await site.mandat('grant', '--from', from, '--wait', '300');
  t.ok(performance.now() - began < 60_000);
  t.match(said, {
    status: 1,
    stdout: '3 of 3 granted\n  verified at 1 of 2 mailboxes\n',
    stderr:
      /^mandat: gone@lab\.test: the IMAP server has no account gone@lab\.test\nmandat: not everything is verified yet; .*mandat status/,
  });
  t.same(await seen(site, 'erin', 'bob'), granted());
});

t.test('a server that is down: 5 after the time one would wait', async (t) => {
  await site.lab.stopDovecot();
  const from = file(['alice', 'bob'], ['carol', 'dan']);
  const document = JSON.parse((await site.mandat('--json', 'revoke', '--from', from, '--yes', '--wait', '1')).stdout);
  t.match(document, { saved: 2, mailboxes: 2, verified: 0 });
  await site.lab.startDovecot();
  await site.mandat('sync', at('alice'), at('carol'));
  t.same(await seen(site, 'alice', 'bob'), {});
});
