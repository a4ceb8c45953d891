/** Delete in a mail client moves into one's own Trash: what a delegate deletes is found in the owner's. config/dovecot/keep-deleted.conf. */
import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { dovecotVersion } from '../../config/lab/dovecot-version.ts';
import { quoted, type RawImap } from '../../config/lab/raw-imap.ts';
import { dovecotConf, examined, rewritten } from '../doctor/breakage.ts';
import { sync } from './inside.ts';
import { quota } from './quota.ts';
import { grantRow } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { does, sharedName, withLogin } from './wire.ts';

let site: Site;
t.before(async () => {
  const users = ['alice', 'bob', 'erin'];
  site = await startSite({ users, postfix: false, keepDeleted: true, extraDovecot: quota('100K') });
  await does(site, 'alice', 'CREATE Projets', 'CREATE "Projets/Sous dossier"');
  await site.register('alice', 'bob');
  await site.register('erin', 'bob');
  await grantRow(site, 'alice', 'bob');
  await grantRow(site, 'erin', 'bob');
  t.same((await sync(site)).failures, []);
});
t.teardown(() => site?.stop());

const shared = (folder: string, owner = 'alice') => quoted(sharedName(owner, folder));

/** Subjects, flags and dates of a folder, one line each. */
async function mails(name: string, folder: string): Promise<string[]> {
  return withLogin(site, name, async (imap) => {
    await must(imap, `EXAMINE ${quoted(folder)}`);
    const { lines } = await imap.command('UID FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[HEADER.FIELDS (SUBJECT)])');
    return lines
      .filter((line) => line.includes('FETCH'))
      .map((line) => {
        const [, flags = ''] = /FLAGS \(([^)]*)\)/.exec(line) ?? [];
        const [, date = ''] = /INTERNALDATE "([^"]*)"/.exec(line) ?? [];
        const [, subject = ''] = /Subject: (\S+)/.exec(line) ?? [];
        const set = flags.split(' ').filter((flag) => flag !== '\\Recent' && flag !== '');
        return `${subject} ${set.sort().join(' ')} ${date}`;
      });
  });
}

async function must(imap: RawImap, line: string): Promise<void> {
  const { status, text } = await imap.command(line);
  if (status !== 'OK') throw new Error(`${line}: ${status} ${text}`);
}

/** What stands in the owner's folder before it is deleted. */
async function arrives(owner: string, folder: string, subject: string, size = 1): Promise<string> {
  await withLogin(site, owner, async (imap) => {
    const { status, text } = await imap.append(
      folder,
      `Subject: ${subject}\r\n\r\n${'x'.repeat(size)}\r\n`,
      '\\Seen $Urgent',
    );
    if (status !== 'OK') throw new Error(text);
  });
  return (await mails(owner, folder)).find((line) => line.startsWith(`${subject} `)) ?? '';
}

/** All that is in the folder, as Thunderbird and Roundcube do it, with MOVE or without. */
async function bobDeletes(folder: string, how: 'move' | 'copy', trash = 'Trash', owner = 'alice'): Promise<void> {
  await withLogin(site, 'bob', async (bob) => {
    await must(bob, `SELECT ${shared(folder, owner)}`);
    // Those that are there now: what comes back into this very folder is another one.
    const { lines } = await bob.command('UID SEARCH ALL');
    const uids = (lines.find((line) => line.startsWith('* SEARCH')) ?? '').split(' ').slice(2).join(',');
    if (how === 'move') return must(bob, `UID MOVE ${uids} ${quoted(trash)}`);
    await must(bob, `UID COPY ${uids} ${quoted(trash)}`);
    await must(bob, `UID STORE ${uids} +FLAGS (\\Deleted)`);
    await must(bob, 'EXPUNGE');
  });
}

t.test('the owner finds it in Trash, as it was, and the delegate has no copy', async (t) => {
  const kept: string[] = [];
  for (const folder of ['INBOX', 'Projets', 'Projets/Sous dossier']) {
    for (const how of ['move', 'copy'] as const) {
      const subject = `${how}-${kept.length}`;
      kept.push(await arrives('alice', folder, subject));
      t.match(kept.at(-1), / \$Urgent \\Seen \d/);
      await bobDeletes(folder, how);
      t.same(await mails('alice', folder), [], `${folder}: gone from where it was`);
    }
  }
  t.same(await mails('alice', 'Trash'), kept);
  t.same(await mails('bob', 'Trash'), []);
  await withLogin(site, 'bob', async (bob) => {
    const { lines } = await bob.command(`STATUS ${shared('Trash')} (MESSAGES)`);
    t.match(lines.join(), `(MESSAGES ${kept.length})`, 'the delegates see it there, too');
  });
});

t.test("a Trash of another name, the delegate's and the owner's", async (t) => {
  await does(site, 'bob', 'CREATE "&AMk-l&AOk-ments supprim&AOk-s"');
  await does(site, 'erin', `SETACL Trash ${at('bob')} lr`, 'CREATE Corbeille');
  const mail = await arrives('erin', 'INBOX', 'autre');
  await bobDeletes('INBOX', 'move', '&AMk-l&AOk-ments supprim&AOk-s', 'erin');
  t.same(await mails('erin', 'Corbeille'), [mail], 'the first that the delegate may file into');
  t.same(await mails('bob', '&AMk-l&AOk-ments supprim&AOk-s'), []);
  await does(site, 'erin', `SETACL Corbeille ${at('bob')} lr`);
  const second = await arrives('erin', 'INBOX', 'encore');
  await bobDeletes('INBOX', 'copy', 'Trash', 'erin');
  t.same(await mails('erin', 'INBOX'), [second], 'without one it comes back into the INBOX');
});

t.test('the rest is as ever', async (t) => {
  await withLogin(site, 'bob', (bob) => bob.append('INBOX', 'Subject: mine\r\n\r\nx\r\n'));
  await does(site, 'bob', 'SELECT INBOX');
  await withLogin(site, 'bob', async (bob) => {
    await must(bob, 'SELECT INBOX');
    await must(bob, 'UID MOVE 1:* Trash');
  });
  t.match(await mails('bob', 'Trash'), [/^mine /], "a delegate's own mail stays in the delegate's Trash");
  const before = (await mails('alice', 'Trash')).length;
  await arrives('alice', 'INBOX', 'hers');
  await withLogin(site, 'alice', async (alice) => {
    await must(alice, 'SELECT INBOX');
    await must(alice, 'UID MOVE 1:* Trash');
  });
  t.equal((await mails('alice', 'Trash')).length, before + 1, 'so does what an owner deletes');
  await arrives('alice', 'INBOX', 'filed');
  await bobDeletes('INBOX', 'copy', 'INBOX');
  t.match(await mails('bob', 'INBOX'), [/^filed /], 'what a delegate keeps elsewhere is theirs: that remains');
  await bobDeletes('Trash', 'move');
  t.equal((await mails('alice', 'Trash')).length, before + 1, "deleted in the owner's Trash, it comes back there");
});

t.test('an owner over quota: it stays where it was moved to, and the log says so', async (t) => {
  const mail = await arrives('erin', 'Drafts', 'large', 70_000);
  await does(site, 'erin', `SETACL Trash ${at('bob')} lrswipkte`);
  await bobDeletes('Drafts', 'move', 'Trash', 'erin');
  t.same(await mails('erin', 'Trash'), []);
  t.ok((await mails('bob', 'Trash')).includes(mail), 'not lost');
  t.match(
    readFileSync(site.lab.logs().dovecot, 'utf8'),
    /failed to store into mailbox '[^']*erin@lab\.test\/Trash': Quota exceeded/,
  );
});

t.test('the doctor', (t) => doctor(t));

async function doctor(t: Test): Promise<void> {
  t.match((await examined(site)).get('deleted mail'), { status: 'ok', seen: /owner's Trash/ });
  const script = dovecotConf(site).replace('dovecot.conf', 'mandat/keep-deleted.sieve');
  const fragment = script.replace('.sieve', '.conf');
  type Broken = readonly [string, (text: string) => string, RegExp];
  const own: Readonly<Record<string, readonly Broken[]>> = {
    '2.3': [
      [fragment, (text) => text.replace('$mail_plugins imap_sieve', '$mail_plugins'), /no imap_sieve in mail_plugins/],
      [fragment, (text) => text.replace('= sieve_imapsieve', '= sieve_extprograms'), /lacks sieve_imapsieve/],
      [fragment, (text) => text.replaceAll('mailbox1', 'mailbox2'), /rule 2 is not reached, since there is no rule 1/],
      [
        fragment,
        (text) => text.replace('from = shared/', 'from = other/'),
        /from "other\/\*", and shared.* "shared\/"/,
      ],
    ],
    '2.4': [
      [fragment, (text) => text.replace('imap_sieve = yes', 'imap_sieve = no'), /no imap_sieve in mail_plugins/],
      [fragment, (text) => text.replace('sieve_imapsieve = yes', 'sieve_extprograms = yes'), /lacks sieve_imapsieve/],
      [fragment, (text) => text.replace('cause = copy', 'cause = flag'), /runs at flag and not at a copy/],
      [
        fragment,
        (text) =>
          text
            .replace('  sieve_script mandat {', 'imapsieve_from shared/* {\n sieve_script mandat {')
            .replace('keep-deleted.sieve\n', 'keep-deleted.sieve\n}\n'),
        /takes no patterns/,
      ],
    ],
  };
  const broken: readonly Broken[] = [
    ...(own[dovecotVersion()] ?? []),
    [fragment, (text) => text.replace('discarded = yes', 'discarded = no'), /stays in the delegate's Trash, too/],
    [script, (text) => text.replace('"shared/"', '"other/"'), /sets "shared" to "other\/"/],
    [fragment, (text) => text.replaceAll('keep-deleted.sieve', 'gone/keep-deleted.sieve'), /there is no .*gone/],
  ];
  for (const [file, change, says] of broken) {
    const mend = await rewritten(file, change);
    t.match((await examined(site)).get('deleted mail'), { status: 'warn', seen: says, remedy: /keep-deleted\.conf/ });
    await mend();
  }
}
