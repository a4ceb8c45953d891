/** Delegated access for sessions of one kind alone: strongly authenticated ones (R28), or the webmail's (R37). With the fragments themselves. */
import { createHmac } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { dovecotVersion, type Lines } from '../../config/lab/dovecot-version.ts';
import { readFragment } from '../../config/lab/fragment.ts';
import { connectImap, type RawImap } from '../../config/lab/raw-imap.ts';
import { connectSmtp } from '../../config/lab/raw-smtp.ts';
import { must } from '../cli/desk.ts';
import { verify } from './inside.ts';
import { at, password, type Site, startSite } from './site.ts';
import { askSender, senderAnswer } from './submission.ts';
import { list, sharedName } from './wire.ts';

/** A directory that Postfix and Dovecot may read. */
function workshop(t: Test): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'mandat-delegates-'));
  chmodSync(directory, 0o755);
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const VERSION = dovecotVersion();
const KEY = 'what the identity provider and Dovecot share in this test';

/** Dovecot checks tokens by itself, as it would with the public key of an identity provider. */
function tokenChecker(directory: string): Lines {
  mkdirSync(path.join(directory, 'keys/mandat/HS256'), { recursive: true });
  writeFileSync(path.join(directory, 'keys/mandat/HS256/default'), Buffer.from(KEY).toString('base64'));
  const file = path.join(directory, 'oauth2.conf.ext');
  writeFileSync(
    file,
    `introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix=${directory}/keys/\nusername_attribute = email\n`,
  );
  const mechanisms = 'auth_mechanisms = plain login xoauth2\n';
  return {
    '2.3': `${mechanisms}passdb {\n  driver = oauth2\n  mechanisms = xoauth2\n  args = ${file}\n}\n`,
    '2.4': `${mechanisms}oauth2 {
  introspection_mode = local
  username_attribute = email
  oauth2_local_validation {
    dict fs {
      fs posix {
        prefix = ${directory}/keys/
      }
    }
  }
}
passdb oauth2 {
  mechanisms_filter = xoauth2
}
`,
  };
}

/** RFC 7519, signed with the shared key; the line that SASL XOAUTH2 wants. */
function token(email: string, key = KEY): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  // Dovecot's clock is the coarse one of the kernel, some milliseconds behind: a token of this very second may be one of the next to it.
  const now = Math.floor(Date.now() / 1000) - 1;
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub: email, email, azp: 'mandat', iat: now, nbf: now, exp: now + 120 })}`;
  const bearer = `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
  return Buffer.from(`user=${email}\x01auth=Bearer ${bearer}\x01\x01`).toString('base64');
}

async function sees(t: Test, imap: RawImap, does: boolean, what: string): Promise<void> {
  const name = sharedName('alice', 'INBOX');
  t.same(await list(imap, 'shared/*'), does ? [name, ...SPECIAL.map((one) => `${name}/${one}`)] : [], what);
  t.equal((await imap.command(`SELECT "${name}"`)).status, does ? 'OK' : 'NO', what);
  t.equal((await imap.command(`STATUS "${name}/Sent" (MESSAGES)`)).status, does ? 'OK' : 'NO', what);
  t.equal((await imap.command('SELECT INBOX')).status, 'OK', 'their own');
}
const SPECIAL = ['Drafts', 'Junk', 'Sent', 'Trash'];

async function granted(site: Site): Promise<void> {
  await site.register('alice', 'bob');
  await site.run();
  await must(site.mandat('grant', at('alice'), at('bob')));
}

t.test('strongly authenticated sessions (R28)', async (t) => {
  const directory = workshop(t);
  for (const [name, fragment] of [
    ['strong.conf', `dovecot/${VERSION}/delegates-strong.conf`],
    ['sending.conf', `dovecot/${VERSION}/delegates-sending.conf`],
    ['weak.re', 'postfix/weak.re'],
  ] as const)
    writeFileSync(path.join(directory, name), await readFragment(fragment));
  const site = await startSite({
    users: ['alice', 'bob'],
    insideUserdb: `  !include ${directory}/strong.conf\n`,
    insidePassdb: `  !include ${directory}/sending.conf\n`,
    extraDovecot: tokenChecker(directory),
    extraMain: `smtpd_sender_login_maps = unionmap:{proxy:sqlite:$config_directory/mandat.cf, regexp:$config_directory/identity.re, regexp:${directory}/weak.re}`,
  });
  t.teardown(() => site.stop());
  await granted(site); // verified: mandat's own sessions, as owner and as delegate, have what they need
  const byToken = async (how = token(at('bob'))) => {
    const imap = await connectImap(site.lab.imap);
    return { imap, answer: await imap.command(`AUTHENTICATE XOAUTH2 ${how}`) };
  };

  const weak = await site.login('bob');
  await sees(t, weak, false, 'by password: nothing of the owner');
  const strong = await byToken();
  t.equal(strong.answer.status, 'OK');
  await sees(t, strong.imap, true, 'by a token: all of it');
  t.same(await verify(site), []);
  const owner = await site.login('alice');
  t.equal((await owner.append('Sent', 'Subject: x\r\n\r\nx\r\n')).status, 'OK', 'the owner by password');
  t.match((await owner.command('GETACL Sent')).lines, [new RegExp(at('bob'))], 'their own tree is whole to them');

  t.equal((await senderAnswer(site, 'bob', at('alice'))).code, 553, 'by password they send on nobody’s behalf');
  t.equal((await senderAnswer(site, 'bob', at('bob'))).code, 250, 'but as themselves');
  t.equal((await senderAnswer(site, 'bob', 'bob+x@lab.test')).code, 250);
  t.equal((await senderAnswer(site, 'alice', at('alice'))).code, 250, 'and so does the owner');
  t.equal((await senderAnswer(site, 'alice', at('bob'))).code, 553);
  const smtp = await connectSmtp(site.lab.submission);
  await smtp.ehlo();
  t.match(await smtp.command(`AUTH XOAUTH2 ${token(at('bob'), 'another key')}`), { code: 334 }, 'a forged one');
  t.match(await smtp.command(''), { code: 535 });
  t.match(await smtp.command(`AUTH XOAUTH2 ${token(at('bob'))}`), { code: 235 });
  for (const from of ['alice', 'bob']) t.equal((await askSender(smtp, at(from))).code, 250, `by a token as ${from}`);

  // ManageSieve asks the same auth service for a session as the owner: filters and absence messages stay theirs. R34, R35, R36
  for (const login of [at('alice'), `${at('alice')}*${at('bob')}`]) {
    const asOwner = await connectImap(site.lab.imap);
    const tried = login.includes('*')
      ? asOwner.login(login, password('bob'))
      : asOwner.loginAs(login, at('bob'), password('bob'));
    t.equal((await tried).status, 'NO', `a delegate with their own password as ${login}`);
    asOwner.close();
  }
  const asOwner = await connectSmtp(site.lab.submission);
  await asOwner.ehlo();
  t.equal((await asOwner.authPlain(at('bob'), password('bob'), at('alice'))).code, 535);
  asOwner.close();

  await must(site.mandat('revoke', at('alice'), at('bob'), '--yes'));
  t.match(await strong.imap.waitForBye(10_000), /\S/, 'a revoke ends strong sessions as any');
  t.equal((await askSender(smtp, at('alice'))).code, 553);
  for (const session of [weak, owner, smtp]) session.close();
});

t.test('the webmail alone (R37)', async (t) => {
  const directory = workshop(t);
  const file = path.join(directory, 'webmail.conf');
  const address = {
    '2.3': { '192\\.0\\.2\\.10': '127\\.0\\.0\\.3' },
    '2.4': { '192[.]0[.]2[.]10': '127[.]0[.]0[.]3' },
  }[VERSION];
  writeFileSync(file, await readFragment(`dovecot/${VERSION}/delegates-webmail.conf`, address));
  const site = await startSite({ users: ['alice', 'bob'], postfix: false, insideUserdb: `  !include ${file}\n` });
  t.teardown(() => site.stop());
  await granted(site);
  const from = async (localAddress: string, name: string) => {
    const imap = await connectImap({ ...site.lab.imap, ...{ localAddress } });
    t.equal((await imap.login(at(name), password(name))).status, 'OK', `${name} from ${localAddress}`);
    return imap;
  };
  for (const [address, does] of [
    ['127.0.0.3', true],
    ['127.0.0.1', false],
    ['127.0.0.30', false],
  ] as const) {
    const bob = await from(address, 'bob');
    await sees(t, bob, does, address);
    bob.close();
    const alice = await from(address, 'alice');
    t.equal((await alice.command('SELECT Sent')).status, 'OK', 'the owner from anywhere');
    alice.close();
  }
  t.same(await verify(site), []);
});
