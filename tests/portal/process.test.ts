/** `mandat portal` as a process of its own, and as the one that `mandat run` has beside itself: answers, lets people in, ends when it is told. */
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import t, { type Test } from 'tap';
import { waitFor } from '../../config/lab/wait.ts';
import { isThere, LIMIT_MS, lasting } from '../cli/lasting.ts';
import { mandatAt } from '../cli/warm.ts';
import { rewritten } from '../doctor/breakage.ts';
import { scrape } from '../health/scrape.ts';
import { DOCTOR, MAILBOX, peopled } from './people.ts';
import { type PortalSite, portalSite } from './portal-site.ts';

/** A site with everything but its portal: that is to be a process. */
async function site(t: Test): Promise<PortalSite & { readonly configFile: string }> {
  const made = await portalSite(t, { config: '[health]\n' });
  await peopled(made.mandat);
  await made.portal.close();
  return Object.assign(made, { configFile: path.join(made.directory, 'mandat.toml') });
}

/** Its owner signs in, and sees the mailbox. */
async function comesIn(t: Test, here: PortalSite): Promise<void> {
  const page = await (await here.signInAs(DOCTOR)).get('/');
  t.equal(page.status, 200);
  t.match(page.body, MAILBOX);
}

const answers = (url: string) =>
  fetch(url, { redirect: 'manual' }).then(
    (response) => response.text().then(() => true),
    () => false,
  );

t.test('by itself: somebody signs in, and SIGTERM ends it', async (t) => {
  const here = await site(t);
  const portal = await lasting(t, here.configFile, 'portal');
  await portal.said('answering people');
  await comesIn(t, here);
  const status = async () => (await mandatAt(here.configFile, ['status'])).stdout;
  t.match(await status(), /^portal +answers at 127\.0\.0\.1:\d+ for http:\/\/127\.0\.0\.1:\d+$/m);
  t.equal(await portal.end('SIGTERM'), 0);
  t.notOk(await answers(here.url));
  t.match(
    await status(),
    /^portal +does not answer at 127\.0\.0\.1:\d+ \(.*ECONNREFUSED.*\): "mandat run" starts it$/m,
  );
});

t.test('on a Unix socket, which the reverse proxy alone may use', async (t) => {
  const here = await site(t);
  await rewritten(here.configFile, (text) =>
    text.replace(/^listen = .*$/m, 'listen = "portal.sock"\ngroup = "www-data"'),
  );
  const portal = await lasting(t, here.configFile, 'portal');
  await portal.said('answering people');
  const socketPath = path.join(here.directory, 'data/run/portal.sock');
  const status = await new Promise((resolve, reject) =>
    http
      .get({ socketPath, path: '/', headers: { host: new URL(here.url).host } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      })
      .on('error', reject),
  );
  t.match(status, /^(200|302|303)$/);
  const { mode, gid } = statSync(socketPath);
  t.equal(mode & 0o777, 0o660);
  t.equal(gid, Number(spawnSync('id', ['-g', 'www-data'], { encoding: 'utf8' }).stdout), "[portal] group's");
  const asks = (user: string, group: string) => asUser(user, group, socketPath, new URL(here.url).host);
  t.match(asks('www-data', 'www-data'), /^(200|302|303)$/, "the reverse proxy's own user");
  t.match(asks('nobody', 'www-data'), /^(200|302|303)$/, 'whoever is in its group');
  t.equal(asks('nobody', 'nogroup'), 'EACCES', 'and nobody else');
  const second = await lasting(t, here.configFile, 'portal');
  t.equal(await second.ended, 2);
  t.match(second.output(), `another program listens on ${socketPath} already`);
  t.notMatch(second.output(), /\n\s+at /);
  await portal.end('SIGKILL');
  t.ok(statSync(socketPath).isSocket(), 'it is left over');
  const next = await lasting(t, here.configFile, 'portal');
  await next.said('answering people');
  t.equal(await next.end('SIGTERM'), 0);
  t.notOk(statSync(socketPath, { throwIfNoEntry: false }), 'and goes with who has taken it over');
});

t.test(
  'beside the sidecar: without the secrets of the mail servers, started again when it dies, gone with it',
  async (t) => {
    const here = await site(t);
    const env = { MANDAT_IMAP_ADMIN_PASSWORD: 'of-the-master', MANDAT_OIDC_SECRET: 'lab-secret' };
    const sidecar = await lasting(t, here.configFile, 'run', env);
    await sidecar.said('answering people');
    const portalPid = () => childrenOf(sidecar.pid).find((pid) => commandOf(pid).includes('portal'));
    const first = await waitFor('the portal', LIMIT_MS, portalPid);
    const inherited = readFileSync(`/proc/${first}/environ`, 'utf8');
    t.match(inherited, 'MANDAT_OIDC_SECRET=lab-secret');
    t.notMatch(inherited, 'of-the-master');
    await comesIn(t, here);
    const socket = path.join(here.directory, 'data/run/health.sock');
    const figures = await waitFor('what it has counted is among the metrics', LIMIT_MS, async () => {
      const { values } = await scrape(socket);
      return values.get('mandat_portal_sign_ins_total{outcome="let-in"}') === 1 ? values : undefined;
    });
    t.match(figures.get('mandat_portal_up'), 1);
    t.match(figures.get('mandat_portal_sessions'), 1);
    t.ok((figures.get('mandat_portal_requests_total{route="GET /sign-in",status="303"}') ?? 0) > 0);
    t.notMatch([...figures.keys()].filter((name) => name.includes('portal')).join(), new RegExp(`${DOCTOR}|@`));
    process.kill(first, 'SIGKILL');
    await sidecar.said('the portal is not running: it ended with SIGKILL');
    const second = await waitFor('another', LIMIT_MS, () => {
      const pid = portalPid();
      return pid !== first && pid;
    });
    await waitFor('it answers', LIMIT_MS, () => answers(here.url));
    await comesIn(t, here);
    t.equal(await sidecar.end('SIGTERM'), 0);
    await waitFor('it is gone', LIMIT_MS, () => !isThere(second));
  },
);

t.test('nothing is configured, or the secret is missing', async (t) => {
  const here = await site(t);
  const mend = await rewritten(here.configFile, (text) => text.replace(/\n\[portal\][^[]*/, '\n'));
  const without = await lasting(t, here.configFile, 'portal');
  t.equal(await without.ended, 2);
  await mend();
  await rewritten(path.join(here.directory, 'oidc.secret'), () => '');
  const secretless = await lasting(t, here.configFile, 'portal');
  t.equal(await secretless.ended, 2);
});

function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}

const commandOf = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');

/** What one hears who asks as that user and group alone: the status, or why there is none. */
function asUser(user: string, group: string, socketPath: string, host: string): string {
  const script = `require('http').get(${JSON.stringify({ socketPath, path: '/', headers: { host } })}, (a) => { a.resume(); console.log(a.statusCode); }).on('error', (e) => console.log(e.code))`;
  const who = ['--reuid', user, '--regid', group, '--clear-groups'];
  const { stdout, stderr } = spawnSync('setpriv', [...who, process.execPath, '-e', script], {
    encoding: 'utf8',
    cwd: '/',
  });
  return stdout.trim() || stderr;
}
