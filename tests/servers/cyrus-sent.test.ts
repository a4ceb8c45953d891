/** Copies for owners' Sent on a Cyrus: found by its special use, whatever it is called; stored once. */
import t from 'tap';
import { sentFoldersOf } from '../../bridge/configured/drivers.ts';
import { fingerprinting } from '../../bridge/submission/fingerprint.ts';
import { whyNoCyrus } from '../../config/lab/cyrus-packages.ts';
import { quoted } from '../../config/lab/raw-imap.ts';
import { startCyrusSite } from './cyrus-site.ts';
import { configOf } from './inside.ts';
import { does, withLogin } from './wire.ts';

const skip = await whyNoCyrus();
const MESSAGE = Buffer.from('From: <alice@lab.test>\r\nMessage-ID: <one@lab.test>\r\nSubject: x\r\n\r\nhello\r\n');

for (const namespace of ['slashes', 'dots'] as const) {
  t.test(namespace, { skip }, async (t) => {
    const site = await startCyrusSite({ namespace, users: ['alice', 'bob'], specials: [] });
    t.teardown(() => site.stop());
    const envoyes = site.own('Elements envoyes');
    await does(site, 'alice', `CREATE ${quoted(envoyes)} (USE (\\Sent))`, `CREATE ${quoted(site.own('Sent'))}`);
    // Whose owner delegated to her has a Sent too.
    await does(
      site,
      'bob',
      `CREATE ${quoted(site.own('Sent'))} (USE (\\Sent))`,
      `SETACL ${quoted(site.own('Sent'))} alice lrs`,
    );
    const folders = sentFoldersOf(configOf(site), {});
    const sent = await folders.open('alice');
    t.teardown(() => sent.close());
    const now = new Date();
    await sent.append(MESSAGE, now);
    const [found, ...more] = await sent.find('<one@lab.test>', now, MESSAGE.length);
    t.same(more, []);
    const print = fingerprinting();
    print.update(MESSAGE);
    t.same(found?.print, print.end());
    await withLogin(site, 'alice', async (alice) => {
      await alice.command(`SELECT ${quoted(envoyes)}`);
      t.match((await alice.command('FETCH 1:* (FLAGS)')).lines.join(), /\\Seen/, 'read, in the folder that is flagged');
    });
    await t.rejects(folders.open('nobody'), { message: /no mailbox of nobody/ });
  });
}
