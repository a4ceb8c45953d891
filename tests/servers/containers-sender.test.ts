/**
 * The Postfix of mailcow and of docker-mailserver: their sender restrictions, a map of theirs (a texthash in the place of their SQL and
 * pcre), and the blocks of docs/mailcow.md and docs/docker-mailserver.md. The group is given by its number, as from another container.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { systemGroup } from '../../config/lab/system-ids.ts';
import { parseConfig } from '../../config/parse.ts';
import { must } from '../cli/desk.ts';
import { docBlock } from './doc-block.ts';
import { at, type Site, startSite } from './site.ts';
import { askSender, senderAnswer, submissionAs } from './submission.ts';

interface Theirs {
  readonly page: string;
  readonly toml: string;
  /** Lines of main.cf, and of the submission service. */
  readonly main: (directory: string) => string;
  readonly submission: readonly string[];
}

const SOCKET = '/run/mandat/sender.sock';
/** Joined with what the lab has below its submission service; the last one of a name counts. */
const common = [
  'smtpd_delay_reject=yes',
  'smtpd_client_restrictions=permit_mynetworks,permit_sasl_authenticated,reject',
  'smtpd_recipient_restrictions=permit_sasl_authenticated,permit_mynetworks,reject_unauth_destination',
  'proxymap_service_name=proxymap',
];

const mailcow: Theirs = {
  page: 'mailcow.md',
  toml: 'data/conf/mandat/mandat.toml',
  main: (directory) =>
    docBlock('mailcow.md', 'data/conf/postfix/extra.cf', {
      [SOCKET]: `${directory}/run/sender.sock`,
      'proxy:mysql:/opt/postfix/conf/sql/mysql_virtual_sender_acl.cf': `proxy:texthash:${directory}-theirs`,
    }),
  submission: [
    ...common,
    'smtpd_sender_restrictions=reject_authenticated_sender_login_mismatch,permit_mynetworks,permit_sasl_authenticated,reject_unlisted_sender,reject_unknown_sender_domain',
  ],
};

const dms: Theirs = {
  page: 'docker-mailserver.md',
  toml: 'docker-data/mandat/mandat.toml',
  main: (directory) => {
    const script = docBlock('docker-mailserver.md', 'docker-data/dms/config/user-patches.sh', {
      [SOCKET]: `${directory}/run/sender.sock`,
      'texthash:/etc/postfix/virtual': `texthash:${directory}-theirs`,
      'hash:/etc/aliases': 'inline:{nobody=nobody}',
      'pcre:/etc/postfix/maps/sender_login_maps.pcre': `regexp:${directory}-pcre`,
    });
    const [, setting = ''] = /^postconf '(.*)'$/m.exec(script) ?? [];
    return `${setting}
dms_smtpd_sender_restrictions = permit_sasl_authenticated, permit_mynetworks, reject_unknown_sender_domain
mua_sender_restrictions = reject_authenticated_sender_login_mismatch, $dms_smtpd_sender_restrictions
`;
  },
  submission: [...common, 'smtpd_sender_restrictions=$mua_sender_restrictions'],
};

async function start(theirs: Theirs): Promise<Site> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'mandat-beside-'));
  const [own, pcre] = [`${directory}-theirs`, `${directory}-pcre`];
  t.teardown(() => [directory, own, pcre].forEach((one) => void rmSync(one, { recursive: true, force: true })));
  const people = ['alice', 'bob', 'carol'].map((name) => `${at(name)} ${at(name)}`);
  const aliases = [`${at('al')} ${at('alice')}`, `${at('info')} ${at('alice')},${at('carol')}`];
  writeFileSync(own, `${[...people, ...aliases].join('\n')}\n`);
  writeFileSync(pcre, '/^(.*)$/   $1\n');
  const [, rules = ''] = /^(\[sender_rules\]\n[\s\S]*)$/m.exec(docBlock(theirs.page, theirs.toml)) ?? [];
  return startSite({
    users: ['alice', 'bob', 'carol'],
    directory,
    chroot: false,
    senderMap: 'socketmap',
    senderRules: false,
    // A poll that comes too late for this test: what is noticed is noticed by the file's events.
    extraToml: `${rules.replace('"102"', `"${systemGroup('postfix')}"`)}[schedule]\npoll_interval_ms = 60000\n`,
    extraMain: theirs.main(directory),
    submissionOptions: theirs.submission,
  });
}

/** As a program in another container does it, which has the table by a bind mount at another place. */
function elsewhere(site: Site, statement: string): void {
  const place = mkdtempSync(path.join(os.tmpdir(), 'mandat-bound-'));
  const script = 'mount --bind "$1" "$2" && sqlite3 -cmd ".timeout 5000" "$2/$3" "$4"';
  const [directory, file] = [path.dirname(site.table), path.basename(site.table)];
  execFileSync('unshare', ['-m', 'sh', '-ec', script, 'sh', directory, place, file, statement]);
  rmSync(place, { recursive: true });
}

t.test('the whole configuration of each page is one that mandat takes', async (t) => {
  const read = ({ page, toml }: Theirs) => parseConfig(docBlock(page, toml), path.basename(toml));
  t.match(read(mailcow), { imap: { impersonate: 'suffix', host: '127.0.0.1' }, senderRules: { group: '102' } });
  t.match(read(dms), { imap: { impersonate: 'authzid', tls: 'starttls' }, senderRules: { group: '102' } });
});

for (const theirs of [mailcow, dms]) {
  t.test(theirs.page, async (t) => {
    const site = await start(theirs);
    t.teardown(() => site.stop());
    await site.register('alice', 'bob');
    const sidecar = await site.run();
    await site.settled();
    const answers = async (...asked: readonly (readonly [name: string, from: string])[]) => {
      const codes: number[] = [];
      for (const [name, from] of asked) codes.push((await senderAnswer(site, name, at(from))).code);
      return codes;
    };

    const own = () =>
      answers(['alice', 'alice'], ['bob', 'bob'], ['carol', 'carol'], ['alice', 'al'], ['carol', 'info']);
    const OWN = [250, 250, 250, 250, 250];
    t.same(await own(), OWN, 'what they may by the map of the site');
    t.same(await answers(['bob', 'alice'], ['carol', 'alice']), [553, 553], 'nobody else, before the grant');

    await must(site.mandat('grant', at('alice'), at('bob')));
    t.same(await answers(['bob', 'alice'], ['carol', 'alice'], ['bob', 'al']), [250, 553, 553], 'the delegate alone');
    t.same(await own(), OWN, 'and everybody keeps what they had');
    for (const alias of ['al', 'info']) await must(site.mandat('mailbox', 'alias', 'add', at('alice'), at(alias)));
    await site.settled();
    t.same(
      await answers(['bob', 'al'], ['bob', 'info'], ['carol', 'al']),
      [250, 250, 553],
      'aliases that mandat knows',
    );
    t.same(await own(), OWN, 'an alias stays with others who have it');

    const session = await submissionAs(site, 'bob');
    t.equal((await askSender(session, at('alice'))).code, 250);
    elsewhere(site, 'DELETE FROM delegation');
    await site.settled();
    t.equal(
      (await askSender(session, at('alice'))).code,
      553,
      'the revoke, written over a bind mount, in an open session',
    );
    session.close();
    t.same(await answers(['bob', 'al'], ['bob', 'info']), [553, 553]);
    t.same(await own(), OWN);

    await sidecar.end();
    t.same(await answers(['alice', 'alice'], ['bob', 'alice']), [451, 451], 'no sidecar: put off');
  });
}
