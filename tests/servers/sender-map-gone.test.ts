/** The sender map is gone: submissions wait, everything else of Postfix goes on, and the map that comes back is asked again. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import t from 'tap';
import { connectSmtp } from '../../config/lab/raw-smtp.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { at, type Site, startSite } from './site.ts';
import { senderAnswer } from './submission.ts';

const LIMIT_MS = 30_000;

let site: Site;
const conf = () => path.join(site.lab.directory, 'postfix/conf');
t.before(async () => {
  site = await startSite({ users: ['alice', 'bob'] });
  // Another table of the site's, asked through the proxymap that all share.
  writeFileSync(path.join(conf(), 'other'), `info@lab.test ${at('alice')}\n`);
  execFileSync('postmap', ['-c', conf(), `hash:${path.join(conf(), 'other')}`]);
  appendFileSync(path.join(conf(), 'main.cf'), '\nvirtual_alias_maps = proxy:hash:$config_directory/other\n');
  await site.lab.stopPostfix();
  await site.lab.startPostfix();
  await site.register('alice');
  await site.mandat('sync');
});
t.teardown(() => site?.stop());

async function fromOutside() {
  const session = await connectSmtp(site.lab.smtp);
  try {
    await session.ehlo();
    return await session.sendMail('patient@example.org', 'info@lab.test', 'Subject: Bilan\r\n\r\nBonjour\r\n');
  } finally {
    session.close();
  }
}

t.test('mail from outside goes on', async (t) => {
  t.match(await fromOutside(), { at: 'accepted' });
  t.equal((await senderAnswer(site, 'alice', at('alice'))).code, 250);

  const away = `${site.lab.senderDirectory}.away`;
  renameSync(site.lab.senderDirectory, away);
  execFileSync('postfix', ['-c', conf(), 'reload'], { stdio: 'pipe' });
  // Sessions whose smtpd opens the map anew; the first may still meet one from before the reload.
  const callers: Socket[] = [];
  t.teardown(() => callers.map((caller) => caller.destroy()));
  await waitFor('a proxymap has ended', LIMIT_MS, () => {
    callers.push(connect(site.lab.submission).on('error', () => {}));
    return /proxymap.*Can't open database/.test(readFileSync(site.lab.logs().postfix, 'utf8'));
  });
  const waits = connect(site.lab.submission).on('error', () => {});
  let greeted = false;
  waits.on('data', () => {
    greeted = true;
  });
  for (let message = 0; message < 5; message++) t.match(await fromOutside(), { at: 'accepted' });
  t.notOk(greeted, 'a submission waits');

  renameSync(away, site.lab.senderDirectory);
  await waitFor('it is served', LIMIT_MS, () => greeted);
  waits.destroy();
  t.equal((await senderAnswer(site, 'alice', at('alice'))).code, 250, 'and is answered once the map is back');
});
