/** Many grants at once: all mailboxes are in force before the rest of any large tree is worked on. */
import t from 'tap';
import { verify } from './inside.ts';
import { at, startSite } from './site.ts';
import { does, granted, seen } from './wire.ts';

const OWNERS = Array.from({ length: 8 }, (_, index) => `owner${index + 1}`);

const CONNECTIONS = 2;

for (const inherit of [true, false]) {
  t.test(inherit ? 'inherited' : 'not inherited', async (t) => {
    const site = await startSite({
      users: [...OWNERS, 'bob'],
      inherit,
      postfix: false,
      extraImap: `connections = ${CONNECTIONS}`,
    });
    t.teardown(() => site.stop());
    for (const owner of OWNERS) {
      await does(site, owner, 'CREATE Projets');
      await site.register(owner, 'bob');
    }
    const sidecar = await site.run();
    await site.settled();
    const rows = OWNERS.map((owner) => `('${at(owner)}', '${at('bob')}')`);
    const from = Number(await site.sql('SELECT version FROM counters'));
    await site.sql(`INSERT INTO delegation (mailbox, delegate) VALUES ${rows.join(', ')}`);
    await site.settled(30_000);

    const log = sidecar.log();
    const opened = log.flatMap(({ msg, folder, owner }, line) =>
      msg === 'set-entry' && folder === 'INBOX' ? [{ owner, line }] : [],
    );
    t.same(opened.map(({ owner }) => owner).sort(), OWNERS.map(at).sort(), 'one entry on each INBOX');
    const verified = log.findIndex(({ msg, version }) => msg === 'verified' && Number(version) > from);
    const before = opened.filter(({ line }) => line < verified).length;
    // Nobody waits for a first phase any more; those that are in hand have second phases beside them ([imap] connections).
    t.ok(before >= OWNERS.length - CONNECTIONS, `${before} of ${OWNERS.length} are open before the first is verified`);
    for (const owner of OWNERS) t.same(await seen(site, owner, 'bob'), granted('Projets'), owner);
    t.same(await verify(site), []);
    t.same(
      log.filter(({ level }) => Number(level) >= 50),
      [],
      'without an error',
    );
  });
}
