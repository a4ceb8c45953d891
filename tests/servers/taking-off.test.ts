/** docs/operations.md, "Taking it off", step by step: at the end the servers are as they were before mandat, and mail flows all the while. */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { deliver } from '../../config/lab/deliver.ts';
import { connectSmtp } from '../../config/lab/raw-smtp.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { grantRow } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { senderAnswer, submissionAs } from './submission.ts';
import { does, seen, serverFiles, subscribed, withLogin } from './wire.ts';

const LIMIT_MS = 60_000;
const letter = { from: 'patient@example.org', to: at('alice'), subject: 'Bilan', body: 'Bonjour' };

let site: Site;
t.before(async () => {
  site = await startSite({ users: ['alice', 'bob'], reuse: false, filter: true, chroot: false });
  await deliver(site.lab, at('alice'), 'INBOX', letter);
  await does(site, 'alice', 'CREATE Projets');
  await site.register('alice', 'bob');
  await site.register('bob');
});
t.teardown(() => site?.stop());

const postfix = (name: string) => path.join(site.lab.directory, 'postfix/conf', name);
const dovecot = () => path.join(site.lab.directory, 'dovecot/dovecot.conf');

function rewrite(file: string, ...what: readonly (readonly [RegExp, string])[]): void {
  let text = readFileSync(file, 'utf8');
  for (const [pattern, by] of what) {
    if (!pattern.test(text)) throw new Error(`${file} has no ${pattern}`);
    text = text.replace(pattern, by);
  }
  writeFileSync(file, text);
}

/** A client that comes while Postfix rereads its configuration may be cut off before it is greeted, and comes again. */
const greeted = <T>(come: () => Promise<T>): Promise<T> =>
  waitFor('Postfix greets', LIMIT_MS, () =>
    come().catch((error: Error) => {
      if (!/no SMTP greeting/.test(error.message)) throw error;
      return undefined;
    }),
  );

/** Mail from outside arrives, and each user sends as themselves: at every step. */
async function mailFlows(t: Test, when: string): Promise<void> {
  const outside = await greeted(() => connectSmtp(site.lab.smtp));
  await outside.ehlo();
  const subject = `from outside, ${when}`;
  t.match(await outside.sendMail('patient@example.org', at('alice'), `Subject: ${subject}\r\n\r\nBonjour\r\n`), {
    at: 'accepted',
  });
  outside.close();
  for (const name of ['alice', 'bob']) {
    const session = await greeted(() => submissionAs(site, name));
    const text = `From: ${at(name)}\r\nSubject: from ${name}, ${when}\r\n\r\nBonjour\r\n`;
    t.match(await session.sendMail(at(name), at('alice'), text), { at: 'accepted' }, `${name}, ${when}`);
    session.close();
  }
  await waitFor(`three messages in her INBOX, ${when}`, LIMIT_MS, () =>
    withLogin(site, 'alice', async (imap) => {
      await imap.command('SELECT INBOX');
      const { lines } = await imap.command(`SEARCH SUBJECT "${when}"`);
      return (/\* SEARCH((?: \d+)*)/.exec(lines.join('\n'))?.[1] ?? '').trim().split(' ').length === 3;
    }),
  );
}

t.test('step by step', async (t) => {
  const sidecar = await site.run();
  await grantRow(site, 'alice', 'bob');
  await site.mandat('sync');
  t.not(Object.keys(await seen(site, 'alice', 'bob')).length, 0);
  t.equal((await senderAnswer(site, 'bob', at('alice'))).code, 250);
  await mailFlows(t, 'while it is in use');

  t.match(await site.mandat('withdraw', '--all', '--yes', '--quiet'), { status: 0, stdout: /verified/ });
  t.equal((await senderAnswer(site, 'bob', at('alice'))).code, 553);
  await mailFlows(t, 'withdrawn');

  rewrite(postfix('main.cf'), [/# ---- what the product asks for[\s\S]*/, '']);
  rewrite(
    postfix('master.cf'),
    [/^ +-o smtpd_sender_restrictions=reject_authenticated_sender_login_mismatch$/m, ''],
    [/^ +-o smtpd_proxy_filter=unix.*$/m, ''],
    [/^ +-o smtpd_sasl_authenticated_header=yes$/m, ''],
    [/^ +-o smtpd_forbid_bare_newline=.*\n +-o smtpd_forbid_bare_newline_exclusions=$/m, ''],
    [
      /^127\.0\.0\.1:\d+ +inet {2}n {2}- {2}n {2}- {2}- {2}smtpd\n(?:(?: .*|#.*)\n)*? +-o smtpd_client_connection_rate_limit=0$/m,
      '',
    ],
    [/^mandat-copy .*\n(?:(?: .*|#.*)\n)* +-o lmtp_tls_security_level=none$/m, ''],
    [/^ +-o proxymap_service_name=.*$/m, ''],
    [/^ +-o smtpd_sender_login_maps=$/m, ''],
    [/^proxymap +unix +n .*$/m, ''],
  );
  execFileSync('postfix', ['-c', postfix('.'), 'check'], { stdio: 'pipe' });
  execFileSync('postfix', ['-c', postfix('.'), 'reload'], { stdio: 'pipe' });
  await mailFlows(t, 'without its Postfix lines');

  t.equal(await sidecar.end(), 0);
  await mailFlows(t, 'without a sidecar');

  rewrite(dovecot(), [/# ---- what the product asks for[\s\S]*/, '']);
  execFileSync('doveconf', ['-c', dovecot(), '-n'], { stdio: 'pipe' });
  execFileSync('doveadm', ['-c', dovecot(), 'reload'], { stdio: 'pipe' });
  await mailFlows(t, 'without its Dovecot lines');

  for (const file of ['table', 'private', 'sender', 'mandat.toml', 'dovecot/mandat'])
    rmSync(path.join(site.lab.directory, file), { recursive: true });
  for (const file of ['mandat.cf', 'identity.re']) rmSync(postfix(file));
  execFileSync('doveadm', ['-c', dovecot(), 'reload'], { stdio: 'pipe' });
  await site.lab.stopPostfix();
  await site.lab.startPostfix();
  await mailFlows(t, 'without its files, started anew');

  t.same(subscribed(site, 'alice', 'bob'), [], 'no subscription is left');
  const left = Object.entries(serverFiles(site)).filter(([file]) => file.endsWith('dovecot-acl'));
  t.same(
    left.filter(([, text]) => text.includes(at('bob'))),
    [],
    'no entry of theirs is left in any file',
  );
  await withLogin(site, 'bob', async (imap) => {
    const { lines } = await imap.command('LIST "" "*"');
    t.notMatch(lines.join('\n'), /shared/);
  });
});
