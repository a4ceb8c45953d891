/** Many grants at once: all mailboxes are in force before the rest of any large tree is worked on; who arrives in them is looked at by person. */
import { appendFileSync } from 'node:fs';
import t from 'tap';
import { dovecotVersion } from '../../config/lab/dovecot-version.ts';
import { dovecotConf } from '../doctor/breakage.ts';
import { routeThrough, startProxy } from './imap-proxy.ts';
import { type Line, verify } from './inside.ts';
import { at, startSite } from './site.ts';
import { tables } from './tables.ts';
import { does, granted, seen, subscribed } from './wire.ts';

const OWNERS = Array.from({ length: 8 }, (_, index) => `owner${index + 1}`);

const DELEGATES = ['bob', 'carol'];

const FOLDERS = ['Drafts', 'INBOX', 'Junk', 'Projets', 'Sent', 'Trash'];

const CONNECTIONS = 2;

for (const inherit of [true, false]) {
  t.test(inherit ? 'inherited' : 'not inherited', async (t) => {
    const site = await startSite({
      users: [...OWNERS, ...DELEGATES],
      inherit,
      postfix: false,
      extraImap: `connections = ${CONNECTIONS}`,
    });
    const logins: string[] = [];
    const proxy = await startProxy(site.lab.imap, (line) => {
      const [, command, , response] = line.split(' ');
      if (command?.toUpperCase() === 'AUTHENTICATE')
        logins.push(
          Buffer.from(response ?? '', 'base64')
            .toString()
            .split('\0')[0] ?? '',
        );
      return 'pass';
    });
    await routeThrough(site, proxy);
    t.teardown(async () => {
      await proxy.close();
      await site.stop();
    });
    for (const owner of OWNERS) {
      await does(site, owner, 'CREATE Projets');
      await site.register(owner, ...DELEGATES);
    }
    const sidecar = await site.run();
    await site.settled();
    // By herself, before there is anything of ours.
    await does(site, 'owner1', `SETACL Projets ${at('carol')} lrs`);
    await does(site, 'carol', `SUBSCRIBE "shared/${at('owner1')}/Projets"`);
    await does(site, 'owner1', `DELETEACL Projets ${at('carol')}`);
    const rows = OWNERS.flatMap((owner) => DELEGATES.map((one) => `('${at(owner)}', '${at(one)}')`));
    const from = Number(await site.sql('SELECT version FROM counters'));
    await site.sql(`INSERT INTO delegation (mailbox, delegate) VALUES ${rows.join(', ')}`);
    await site.settled(30_000);

    const log = sidecar.log();
    const opened = log.flatMap(({ msg, folder, owner, login }, line) =>
      msg === 'set-entry' && folder === 'INBOX' && login === at('bob') ? [{ owner, line }] : [],
    );
    t.same(opened.map(({ owner }) => owner).sort(), OWNERS.map(at).sort(), 'one entry on each INBOX');
    const verified = log.findIndex(({ msg, version }) => msg === 'verified' && Number(version) > from);
    const before = opened.filter(({ line }) => line < verified).length;
    // Nobody waits for a first phase any more; those that are in hand have second phases beside them ([imap] connections).
    t.ok(before >= OWNERS.length - CONNECTIONS, `${before} of ${OWNERS.length} are open before the first is verified`);
    for (const owner of OWNERS)
      for (const one of DELEGATES) {
        t.same(await seen(site, owner, one), granted('Projets'), `${one} at ${owner}`);
        t.same(subscribed(site, owner, one), FOLDERS, 'and is subscribed to all of it');
      }
    // The first of all shows in a session of their own what entries give; then each is proven once, and subscribed where they are looked at, many mailboxes in one session.
    const [first = 0, second = 0] = DELEGATES.map((one) => logins.filter((login) => login === at(one)).length);
    t.ok(first + second <= 1.5 * OWNERS.length, `${first} logins as bob, ${second} as carol`);
    const audit = JSON.parse((await site.mandat('--json', 'audit', '--delegate', at('carol'))).stdout) as Line[];
    const said = audit.filter(({ action }) => action === 'subscribe').map(({ detail }) => detail);
    t.same(
      said.map((detail) => (JSON.parse(String(detail)) as { count: number }).count).sort(),
      [...OWNERS.slice(1).map(() => FOLDERS.length), FOLDERS.length - 1].sort(),
      'each act is in the trail, and her own is none',
    );
    const marks = tables(site)['state.subscriptions'] as readonly { ours: number }[];
    t.same(
      marks.filter(({ ours }) => ours !== 1).map(({ ours }) => ours),
      [0],
      'what she had subscribed to stays hers',
    );
    t.same(await verify(site), []);
    t.same(
      log.filter(({ level, msg }) => Number(level) >= 50 && !/not been worked off within/.test(String(msg))), // how fast is the machine's affair
      [],
      'without an error',
    );
  });
}

t.test('what a session has shown a moment ago is a guess, and mended where it is wrong', async (t) => {
  const site = await startSite({
    users: [...OWNERS, ...DELEGATES],
    inherit: true,
    reuse: false,
    postfix: false,
    extraImap: `connections = ${CONNECTIONS}`,
  });
  t.teardown(() => site.stop());
  for (const owner of OWNERS) {
    await does(site, owner, 'CREATE Projets');
    await site.register(owner, ...DELEGATES);
  }
  await site.run();
  await site.settled();
  const wave = async (owners: readonly string[]) => {
    const rows = owners.flatMap((owner) => DELEGATES.map((one) => `('${at(owner)}', '${at(one)}')`));
    await site.sql(`INSERT INTO delegation (mailbox, delegate) VALUES ${rows.join(', ')}`);
    await site.settled(30_000);
  };
  await wave(OWNERS.slice(0, 4));
  await site.lab.stopDovecot();
  const no = 'acl_defaults_from_inbox = no\n';
  appendFileSync(dovecotConf(site), dovecotVersion() === '2.3' ? `plugin {\n  ${no}}\n` : no);
  await site.lab.startDovecot();
  await wave(OWNERS.slice(4));
  for (const owner of OWNERS.slice(4))
    for (const one of DELEGATES) {
      t.same(await seen(site, owner, one), granted('Projets'), `${one} at ${owner}`);
      t.same(subscribed(site, owner, one), FOLDERS, 'and is subscribed to all of it');
    }
  const lines = (await verify(site)).filter((line) => OWNERS.slice(4).some((owner) => line.startsWith(at(owner))));
  t.same(lines, [], 'as the delegates see it');
});
