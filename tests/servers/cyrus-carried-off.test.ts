/** With x a delegate can rename a folder out of the owner's mailbox on Cyrus, and owns it then. R29. */
import t from 'tap';
import { whyNoCyrus } from '../../config/lab/cyrus-packages.ts';
import { quoted } from '../../config/lab/raw-imap.ts';
import { seen, startCyrusSite } from './cyrus-site.ts';
import { sync, verify } from './inside.ts';
import { grantRow, revokeRow } from './rows.ts';
import { does, withLogin } from './wire.ts';

const skip = await whyNoCyrus();

t.test('x is given where the site says so, and what is carried off is named', { skip }, async (t) => {
  const site = await startCyrusSite({ users: ['alice', 'bob', 'carol'], extraImap: 'allow_carrying_off = true' });
  t.teardown(() => site.stop());
  const { shared } = site;
  await does(site, 'alice', 'CREATE Work', 'CREATE Work/Sub', 'CREATE Other');
  await does(site, 'carol', 'SETACL INBOX alice lrswipkxtea'); // another owner's INBOX that she administers is none of these
  await site.register('alice', 'bob');
  await grantRow(site, 'alice', 'bob');
  const first = await sync(site);
  t.same([first.failures, first.notices], [[], []]);
  const there = await seen(site, 'bob');
  t.equal(there[shared('alice', 'Work')], 'eiklprstwx', 'with x');
  t.equal(there[shared('alice', 'Sent')], 'eiklprstw', 'but for special folders');
  t.same(await verify(site), []);

  await does(site, 'bob', `RENAME ${quoted(shared('alice', 'Work'))} Taken`);
  const { failures, notices } = await sync(site);
  t.same(failures, []);
  t.match(notices, [/^carried-off: the folder Other Users\/bob\/Taken .*out of alice@lab\.test/, /Taken\/Sub/]);
  t.equal(notices.length, 2);
  t.match(
    (await site.mandat('status')).stdout,
    /alice@lab\.test: the folder Other Users\/bob\/Taken is in somebody else's mailbox/,
  );

  await revokeRow(site, 'alice', 'bob');
  const last = (await sync(site)).notices.filter((notice) => notice.startsWith('carried-off'));
  t.match(last, [/Taken/, /Taken\/Sub/], 'at the revoke too, when it would be forgotten');
  await withLogin(site, 'bob', async (bob) => {
    t.equal(
      (await bob.command(`RENAME Taken ${quoted(shared('alice', 'Work'))}`)).status,
      'NO',
      'it stays with the delegate',
    );
  });
});

t.test('otherwise nobody is given x, and drift takes it away', { skip }, async (t) => {
  const site = await startCyrusSite({ users: ['alice', 'bob'] });
  t.teardown(() => site.stop());
  const { shared } = site;
  await does(site, 'alice', 'CREATE Work');
  await site.register('alice', 'bob');
  await grantRow(site, 'alice', 'bob');
  t.same((await sync(site)).failures, []);
  const rename = `RENAME ${quoted(shared('alice', 'Work'))} Taken`;
  await withLogin(site, 'bob', async (bob) => t.equal((await bob.command(rename)).status, 'NO'));
  await does(site, 'alice', 'SETACL Work bob lrswipkxte');
  t.match(await verify(site), [/Work: may lrswipkxte, should lrswipkte/]);
  t.same((await sync(site)).failures, []);
  await withLogin(site, 'bob', async (bob) => t.equal((await bob.command(rename)).status, 'NO'));
});
