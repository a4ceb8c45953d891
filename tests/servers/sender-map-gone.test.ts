/** The sender map is gone: submissions wait or are put off, everything else of Postfix goes on, and the map that comes back is asked again. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import t from 'tap';
import { connectSmtp } from '../../config/lab/raw-smtp.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { at, type Site, startSite } from './site.ts';
import { senderAnswer } from './submission.ts';

const LIMIT_MS = 90_000;

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
  let reloaded = 0;
  const reload = () => {
    execFileSync('postfix', ['-c', conf(), 'reload'], { stdio: 'pipe' });
    reloaded = Date.now();
  };
  reload();
  // Sessions whose smtpd opens the map anew; the first may still meet one from before the reload.
  const callers: Socket[] = [];
  t.teardown(() => callers.map((caller) => caller.destroy()));
  const [, ends] = await waitFor('a proxymap has found no map', LIMIT_MS, () => {
    // One that comes while a session ends can leave nobody at the port (seen with 3.10).
    if (Date.now() - reloaded > 5_000) reload();
    callers.push(connect(site.lab.submission).on('error', () => {}));
    const log = readFileSync(site.lab.logs().postfix, 'utf8');
    return /proxymap.*(?:(Can't open database)|open database .*unable)/.exec(log) ?? false;
  });
  if (ends === undefined) {
    // Postfix 3.10: its proxymap lives on, and answers that it doesn't know; also when the map is back, until a reload.
    for (let message = 0; message < 5; message++) t.match(await fromOutside(), { at: 'accepted' });
    t.equal((await senderAnswer(site, 'alice', at('alice'))).code, 451, 'a submission is to be tried later');
    renameSync(away, site.lab.senderDirectory);
    t.equal((await senderAnswer(site, 'alice', at('alice'))).code, 451, 'the map is back, and nobody looks');
    reload();
  } else {
    // Postfix 3.7: it ends, at each question.
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
  }
  const served = async () => (await senderAnswer(site, 'alice', at('alice'))).code === 250;
  t.ok(await waitFor('the map is asked again', LIMIT_MS, served), 'once the map is back');
});
