import { chmodSync, chownSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { systemGroup } from '../../config/lab/system-ids.ts';
import { type Breakage, breakEach, examined, type Mend, postfixDirectory, rewritten } from '../doctor/breakage.ts';
import { sync } from './inside.ts';
import { grantRow } from './rows.ts';
import { type Site, startSite } from './site.ts';

let site: Site;
t.before(async () => {
  site = await startSite({ users: ['alice', 'bob'] });
  await site.register('alice', 'bob');
  await grantRow(site, 'alice', 'bob');
  await sync(site);
});
t.teardown(() => site?.stop());

const map = (on: Site) => path.join(on.lab.senderDirectory, 'sender.db');

function mode(file: (on: Site) => string, wanted: number) {
  return (on: Site): Mend => {
    const before = statSync(file(on)).mode;
    chmodSync(file(on), wanted);
    return () => chmodSync(file(on), before);
  };
}

/** The map as it was is put back, whatever the break did to it. Postfix's proxymap keeps it open, and is stopped meanwhile. */
function inMap(work: (file: string) => void) {
  return async (on: Site): Promise<Mend> => {
    await on.lab.stopPostfix();
    const file = map(on);
    const { uid, gid, mode } = statSync(file);
    const database = new Database(file);
    database.pragma('wal_checkpoint(TRUNCATE)');
    database.close();
    const before = readFileSync(file);
    work(file);
    return () => {
      for (const journal of ['-wal', '-shm', '-journal']) rmSync(file + journal, { force: true });
      writeFileSync(file, before);
      chownSync(file, uid, gid);
      chmodSync(file, mode & 0o7777);
      return on.lab.startPostfix();
    };
  };
}

function sql(...statements: readonly string[]) {
  return inMap((file) => {
    const database = new Database(file);
    for (const statement of statements) database.exec(statement);
    database.close();
  });
}

/** In main.cf or master.cf, or a table of the lab's. */
function inPostfix(name: string, from: RegExp | string, to: string) {
  return (on: Site) => rewritten(path.join(postfixDirectory(on), name), (text) => text.replace(from, to));
}

/** Where the lab takes mail from outside is port 25 from now on, as far as its configuration says, with these lines in main.cf. */
function atPort25(lines: string) {
  return async (on: Site): Promise<Mend> => {
    const mends = [
      await inPostfix('master.cf', `127.0.0.1:${on.lab.smtp.port} `, 'smtp ')(on),
      await inPostfix('main.cf', /$/, lines)(on),
    ];
    return () => Promise.all(mends.map((mend) => mend()));
  };
}

/** The same, with Postfix started anew: its proxymap keeps what it has read. */
function inRunningPostfix(name: string, from: RegExp | string, to: string) {
  const restart = async (on: Site) => {
    await on.lab.stopPostfix();
    await on.lab.startPostfix();
  };
  return async (on: Site): Promise<Mend> => {
    const mend = await inPostfix(name, from, to)(on);
    await restart(on);
    return async () => {
      await mend();
      await restart(on);
    };
  };
}

/** chown clears the bit that gives new files the directory's group. */
function chgrp(file: string, gid: number): void {
  const { uid, mode } = statSync(file);
  chownSync(file, uid, gid);
  chmodSync(file, mode & 0o7777);
}

const MAPS = /^smtpd_sender_login_maps = unionmap:\{\s+(\S+),\s+(\S+)\}$/m;

const BREAKAGES: readonly Breakage[] = [
  {
    what: 'no sender rules',
    break: (on) => rewritten(on.configFile, (text) => text.replace('[sender_rules]', '')),
    bad: { 'sender rules': 'warn' },
    says: /config\/postfix/,
  },
  {
    what: 'a group that is not there',
    break: (on) =>
      rewritten(on.configFile, (text) => text.replace('[sender_rules]', '[sender_rules]\ngroup = "nogrp"')),
    bad: { 'sender map': 'fail' },
    says: /no Unix group "nogrp"/,
  },
  {
    what: "the map's directory may not be written by the group",
    break: mode((on) => on.lab.senderDirectory, 0o2750),
    bad: { 'sender map': 'fail' },
    says: /mode 2750.*not 2770.*mandat init/,
  },
  {
    what: 'the map is for its owner alone',
    break: mode(map, 0o600),
    bad: { 'sender map': 'fail' },
    says: /mode 600.*not 660/,
  },
  {
    what: 'the map belongs to another group',
    break: (on) => {
      const { uid, gid } = statSync(map(on));
      chownSync(map(on), uid, 0);
      return () => chownSync(map(on), uid, gid);
    },
    bad: { 'sender map': 'fail' },
    says: /root:root.*group postfix/,
  },
  {
    what: 'no map',
    break: (on) => {
      renameSync(map(on), `${map(on)}.away`);
      return () => renameSync(`${map(on)}.away`, map(on));
    },
    bad: { 'sender map': 'fail', 'Postfix maps': 'fail' },
    says: /is not there.*mandat init/,
  },
  {
    what: 'no map, and what that means for Postfix',
    break: (on) => {
      renameSync(map(on), `${map(on)}.away`);
      return () => renameSync(`${map(on)}.away`, map(on));
    },
    bad: { 'Postfix maps': 'fail', 'sender map': 'fail' },
    says: /Postfix is stuck.*postconf -e/,
  },
  {
    what: 'the map has a rollback journal',
    break: sql('PRAGMA journal_mode = DELETE'),
    bad: { 'sender map WAL': 'fail' },
    says: /not in WAL mode.*mandat init/,
  },
  {
    what: 'the map has no table',
    break: sql('DROP TABLE sender_login'),
    bad: { 'sender table': 'fail' },
    says: /no table sender_login/,
  },
  {
    what: 'the map is no database',
    break: inMap((file) => writeFileSync(file, 'a letter to the editor\n'.repeat(99))),
    bad: { 'sender map WAL': 'fail', 'sender table': 'fail' },
    says: /not in WAL mode/,
  },
  {
    what: 'the restriction is missing at submission',
    break: inPostfix('master.cf', '-o smtpd_sender_restrictions=reject_authenticated_sender_login_mismatch', ''),
    bad: { 'Postfix restriction': 'fail' },
    says: /asks nobody.*master\.cf\.fragment/,
  },
  {
    what: 'everybody who has logged in is let through before it',
    break: inPostfix(
      'master.cf',
      'smtpd_sender_restrictions=reject',
      'smtpd_sender_restrictions=permit_sasl_authenticated,reject',
    ),
    bad: { 'Postfix restriction': 'fail' },
    says: /permits \(permit_sasl_authenticated\) before/,
  },
  {
    what: 'the restriction by way of a name, after a permit',
    break: async (on) => {
      const named = '{ smtpd_sender_restrictions = $mua_sender_restrictions }';
      const inMaster = inPostfix('master.cf', /smtpd_sender_restrictions=\S+/, named);
      const mends = [
        await inMaster(on),
        await inPostfix(
          'main.cf',
          /$/,
          'mua_sender_restrictions = permit_mynetworks, reject_sender_login_mismatch\n',
        )(on),
      ];
      return () => Promise.all(mends.map((mend) => mend()));
    },
    bad: { 'Postfix restriction': 'fail' },
    says: /permits \(permit_mynetworks\) before/,
  },
  {
    what: 'a refused sender is told at RCPT TO',
    break: inPostfix('master.cf', '-o smtpd_delay_reject=no', ''),
    bad: { 'refused senders': 'warn' },
    says: /RCPT TO only.*blame the recipient.*smtpd_delay_reject=no.*master\.cf\.fragment/,
  },
  {
    what: 'who has not logged in yet may not even connect',
    break: inPostfix(
      'master.cf',
      '-o smtpd_delay_reject=no',
      '$& -o smtpd_client_restrictions=permit_mynetworks,permit_sasl_authenticated,reject',
    ),
    bad: { 'refused senders': 'fail' },
    says: /nobody can send.*smtpd_client_restrictions = permit_mynetworks,permit_sasl.*-o smtpd_client_restrictions= there/,
  },
  {
    what: 'nor say EHLO, by a list of main.cf',
    break: inPostfix('main.cf', /$/, 'smtpd_helo_restrictions = permit_sasl_authenticated, reject\n'),
    bad: { 'refused senders': 'fail' },
    says: /nobody can send.*smtpd_helo_restrictions = permit.*-o smtpd_helo_restrictions= there/,
  },
  {
    what: 'who calls themselves as Windows does is refused before they can log in',
    break: inPostfix(
      'main.cf',
      /$/,
      'smtpd_helo_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_non_fqdn_helo_hostname\n',
    ),
    bad: { 'refused senders': 'warn' },
    says: /some can't log in.*reject_non_fqdn_helo_hostname.*-o smtpd_helo_restrictions=/,
  },
  {
    what: 'a sender is asked for at MAIL FROM alone',
    break: inPostfix('master.cf', '-o smtpd_recipient_restrictions=$smtpd_sender_restrictions', ''),
    bad: { 'refused senders': 'warn' },
    says: /MAIL FROM alone.*smtpd_recipient_restrictions=\$smtpd_sender_restrictions/,
  },
  {
    what: 'nobody can log in at submission',
    break: inPostfix('master.cf', 'smtpd_sasl_auth_enable=yes', 'smtpd_sasl_auth_enable=no'),
    bad: { 'Postfix restriction': 'fail' },
    says: /no smtpd service lets users log in/,
  },
  {
    what: 'users can log in at another service too',
    break: inPostfix('main.cf', /$/, 'smtpd_sasl_auth_enable = yes\n'),
    bad: { 'Postfix restriction': 'fail', 'Postfix maps': 'fail' },
    says: /asks nobody/,
  },
  {
    what: 'users can log in at port 25 too, and are not asked there',
    break: atPort25('smtpd_sasl_auth_enable = yes\n'),
    bad: { 'AUTH at port 25': 'fail', 'Postfix maps': 'fail' },
    says: /may send as anybody: smtp asks nobody.*smtpd_sasl_auth_enable = no/,
  },
  {
    what: 'users can log in at port 25 too, and the rule stands there as well',
    break: atPort25(
      'smtpd_sasl_auth_enable = yes\nsmtpd_recipient_restrictions = reject_authenticated_sender_login_mismatch\n',
    ),
    bad: { 'AUTH at port 25': 'warn', 'Postfix maps': 'fail' },
    says: /log in at smtp too/,
  },
  {
    what: 'the fragment stands below a service line that is a comment, so that it is that of port 25',
    break: (on) =>
      rewritten(path.join(postfixDirectory(on), 'master.cf'), (text) =>
        text
          .replace(`127.0.0.1:${on.lab.submission.port} `, '#submission ')
          .replace(`127.0.0.1:${on.lab.smtp.port} `, 'smtp '),
      ),
    bad: {
      'mail from outside': 'fail',
      'Postfix restriction': 'fail',
      'AUTH at port 25': 'warn',
      'Postfix maps': 'fail',
    },
    says: /smtp refuses all mail from outside.*permit_sasl_authenticated,reject.*take the # from|no smtpd service lets users/,
  },
  {
    what: 'this Postfix has no SQLite tables',
    break: inPostfix('main.cf', /$/, 'meta_directory = /nowhere\n'),
    bad: { Postfix: 'fail' },
    says: /reads no SQLite tables.*postfix-sqlite/,
  },
  {
    what: "the map's group is one that Postfix isn't in",
    break: async (on) => {
      await on.lab.stopPostfix();
      const directory = on.lab.senderDirectory;
      const files = [directory, ...readdirSync(directory).map((name) => path.join(directory, name))];
      const groups = files.map((file) => statSync(file).gid);
      const mend = await rewritten(on.configFile, (text) =>
        text.replace('[sender_rules]', '[sender_rules]\ngroup = "daemon"'),
      );
      for (const file of files) chgrp(file, systemGroup('daemon'));
      return async () => {
        await mend();
        for (const [index, file] of files.entries()) chgrp(file, groups[index] ?? 0);
        await on.lab.startPostfix();
      };
    },
    bad: { 'read by Postfix': 'fail' },
    says: /user postfix can't read/,
  },
  {
    what: 'machines of the site need not log in at submission',
    break: async (on) => {
      const relays = 'smtpd_relay_restrictions=permit_mynetworks,permit_sasl_authenticated,reject';
      const mends = [
        await inPostfix('master.cf', 'smtpd_relay_restrictions=permit_sasl_authenticated,reject', relays)(on),
        await inPostfix('main.cf', /^mynetworks =$/m, 'mynetworks = 127.0.0.0/8')(on),
      ];
      return () => Promise.all(mends.map((mend) => mend()));
    },
    bad: { 'Postfix restriction': 'warn' },
    says: /mynetworks \(127\.0\.0\.0\/8\) without a login.*master\.cf\.fragment/,
  },
  {
    what: 'the restriction stands in main.cf, where it refuses mail from outside',
    break: inPostfix('main.cf', /$/, 'smtpd_sender_restrictions = reject_sender_login_mismatch\n'),
    bad: { 'mail from outside': 'fail' },
    says: /refused.*master\.cf/,
  },
  {
    what: 'the restriction stands in main.cf, where it is of no use',
    break: inPostfix('main.cf', /$/, 'smtpd_sender_restrictions = reject_authenticated_sender_login_mismatch\n'),
    bad: { 'mail from outside': 'warn' },
    says: /main\.cf has.*master\.cf/,
  },
  {
    what: "Postfix doesn't ask mandat's map",
    break: inPostfix('main.cf', MAPS, 'smtpd_sender_login_maps = $2'),
    bad: { 'Postfix maps': 'fail' },
    says: /doesn't ask mandat's map.*dbpath = .*sender\.db/,
  },
  {
    what: 'Postfix asks another map than the one that is published',
    break: inPostfix('mandat.cf', /^dbpath = .*$/m, 'dbpath = /var/lib/elsewhere/sender.db'),
    bad: { 'Postfix maps': 'fail' },
    says: /doesn't ask mandat's map/,
  },
  {
    what: 'a chrooted smtpd asks the map itself',
    break: inPostfix('main.cf', 'proxy:sqlite:', 'sqlite:'),
    bad: { 'Postfix maps': 'fail' },
    says: /chrooted.*main\.cf\.fragment/,
  },
  {
    what: 'an smtpd that is not chrooted asks the map itself',
    break: async (on) => {
      const mends = [
        await inPostfix('main.cf', 'proxy:sqlite:', 'sqlite:')(on),
        await inPostfix('master.cf', /^(127\S+ +inet +n +- +)y/gm, '$1n')(on),
      ];
      return () => Promise.all(mends.map((mend) => mend()));
    },
    bad: { 'Postfix maps': 'warn' },
    says: /not through proxy/,
  },
  {
    what: "mandat's map is asked through the proxymap of all",
    break: inPostfix('master.cf', /^ +-o proxymap_service_name=.*$/m, ''),
    bad: { proxymap: 'warn' },
    says: /all of them wait.*proxymap\.master\.cf\.fragment/,
  },
  {
    what: 'its own proxymap is not there',
    break: inPostfix('master.cf', /^proxymap +unix +n .*$/m, ''),
    bad: { proxymap: 'fail' },
    says: /every submission waits.*postfix reload/,
  },
  {
    what: "port 25 opens mandat's map too",
    break: inPostfix('master.cf', /^ +-o smtpd_sender_login_maps=$/m, ''),
    bad: { proxymap: 'warn' },
    says: /it waits.*port25\.master\.cf\.fragment/,
  },
  {
    what: 'proxymap may not open the map',
    break: inPostfix('main.cf', /$/, 'proxy_read_maps = $virtual_mailbox_maps\n'),
    bad: { 'Postfix maps': 'fail' },
    says: /proxymap doesn't open.*proxy_read_maps/,
  },
  {
    what: 'the map is given with -o in master.cf, and main.cf names another',
    break: async (on) => {
      const maps = MAPS.exec(readFileSync(path.join(postfixDirectory(on), 'main.cf'), 'utf8'));
      const mends = [
        await inPostfix('main.cf', MAPS, 'smtpd_sender_login_maps =')(on),
        await inPostfix(
          'master.cf',
          /smtpd_sasl_auth_enable=yes/,
          `smtpd_sasl_auth_enable=yes\n  -o { smtpd_sender_login_maps = unionmap:{${maps?.[1]}, ${maps?.[2]}} }`,
        )(on),
      ];
      return () => Promise.all(mends.map((mend) => mend()));
    },
    bad: { 'Postfix maps': 'fail' },
    says: /proxymap doesn't open.*not with -o/,
  },
  {
    what: "a list that stops at the first answer, mandat's last",
    break: inPostfix('main.cf', MAPS, 'smtpd_sender_login_maps = $2, $1'),
    bad: { 'Postfix maps': 'fail' },
    says: /mandat's isn't heard.*unionmap/,
  },
  {
    what: "a list that stops at the first answer, mandat's first",
    break: inPostfix('main.cf', MAPS, 'smtpd_sender_login_maps = $1, $2'),
    bad: { 'Postfix maps': 'warn' },
    says: /yours.*not heard.*unionmap/,
  },
  {
    what: 'nobody keeps their own address',
    break: inPostfix('main.cf', MAPS, 'smtpd_sender_login_maps = $1'),
    bad: { 'Postfix lookups': 'fail' },
    says: /refused their own.*identity\.re/,
  },
  {
    what: 'only those whom a table of the site lists keep their own address',
    break: inPostfix('identity.re', /^\/.*$/gm, ''),
    bad: { 'Postfix lookups': 'warn' },
    says: /lists every user.*identity\.re/,
  },
  {
    what: 'a table that fails',
    break: inRunningPostfix('mandat.cf', 'FROM sender_login', 'FROM sender_logins'),
    bad: { 'Postfix lookups': 'fail' },
    says: /stops smtpd.*postfix reload/,
  },
  {
    what: 'a table that answers with something else',
    break: inRunningPostfix('mandat.cf', 'SELECT login FROM', 'SELECT address FROM'),
    bad: { 'Postfix lookups': 'fail' },
    says: /doesn't let bob@lab\.test use alice@lab\.test/,
  },
];

t.test('each broken in turn', (t) => breakEach(t, site, BREAKAGES, { sidecar: 'warn' }));

t.test('what can be seen without Postfix, or when it is stopped', async (t) => {
  await site.lab.stopPostfix();
  const stopped = await examined(site);
  t.match(stopped.get('Postfix lookups'), { status: 'skipped', seen: /not running/ });
  t.match(stopped.get('Postfix restriction'), { status: 'ok' });
  await site.lab.startPostfix();
  const elsewhere = await examined(site, { postfixConfig: path.join(site.lab.directory, 'nowhere') });
  t.match(elsewhere.get('Postfix'), { status: 'skipped', seen: /no main\.cf.*--postfix-config/ });
  t.match(elsewhere.get('Postfix lookups'), { status: 'skipped', seen: /because/ });
  t.match(elsewhere.get('read by Postfix'), { status: 'ok' });
});

t.test('the map leaves no trace of having been read', async (t) => {
  await site.lab.stopPostfix();
  new Database(map(site)).exec('BEGIN IMMEDIATE; ROLLBACK').close(); // the last one out takes the journals away
  const before = readFileSync(map(site));
  await examined(site);
  for (const journal of ['-wal', '-shm'])
    t.equal(statSync(map(site) + journal, { throwIfNoEntry: false }), undefined, `no ${journal}`);
  t.ok(before.equals(readFileSync(map(site))));
});
