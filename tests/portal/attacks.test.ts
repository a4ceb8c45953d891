/** What somebody tries who isn't wanted, each with its refusal: on the wire, against a portal with a real provider. */
import net from 'node:net';
import t from 'tap';
import { asker, clientAddress } from '../../bridge/portal/client-address.ts';
import { isTokenOf, maskedToken } from '../../bridge/portal/csrf.ts';
import { asked } from '../../bridge/portal/language.ts';
import { RATES, rateLimit } from '../../bridge/portal/rate-limits.ts';
import { openSessions } from '../../bridge/portal/sessions.ts';
import { ownPath } from '../../bridge/portal/sign-in/routes.ts';
import { csrfOf } from './browser-cookies.ts';
import { ADMIN, DOCTOR, MAILBOX, OTHER_DOCTOR, OTHER_MAILBOX, peopled, READER, SECRETARY } from './people.ts';
import { type PortalSite, portalSite } from './portal-site.ts';

const KEY = 'a-key-of-a-webmail-0123456789-abcdefghijk';

t.test('only to paths of ours', async (t) => {
  const cases = [
    ['/mailboxes?page=2', '/mailboxes?page=2'],
    ['//evil.example', '/'],
    ['/\\evil.example', '/'],
    ['/\t/evil.example', '/'],
    ['https://evil.example', '/'],
    ['javascript:alert(1)', '/'],
    ['/a/..//evil.example', '/'],
    ['/sign-out', '/'],
    ['/sign-in?to=/', '/'],
    [`/${'a'.repeat(3000)}`, '/'],
    ['', '/'],
  ] as const;
  for (const [given, to] of cases) t.equal(ownPath(given), to, given.slice(0, 40));
});

t.test('whose address it is', async (t) => {
  t.equal(
    clientAddress('6.6.6.6, 192.0.2.1', 1, '127.0.0.1'),
    '192.0.2.1',
    'what the proxy wrote, not what the asker did',
  );
  t.equal(clientAddress('6.6.6.6', 0, '127.0.0.1'), '127.0.0.1', 'without a proxy nobody is believed');
  t.equal(clientAddress('192.0.2.1, 10.0.0.1', 2, undefined), '192.0.2.1');
  t.equal(clientAddress('nonsense', 1, undefined), 'socket');
  t.equal(asker('2001:db8:1:2:3::4'), '2001:db8:1:2::/64', 'a whole /64 is one');
  t.equal(asker('2001:db8::1'), '2001:db8:0:0::/64');
});

t.test('limits, sessions and tokens stay within bounds', async (t) => {
  let now = 0;
  const limit = rateLimit({ burst: 2, perMinute: 60 }, () => now);
  t.same(
    [limit.spend('a'), limit.spend('a'), limit.spend('a'), limit.spend('b')],
    [undefined, undefined, 1, undefined],
  );
  now = 1000;
  t.equal(limit.spend('a'), undefined, 'after a second again');

  const person = (identifier: string) => ({
    identifier,
    name: null,
    groups: [],
    subject: identifier,
    providerSession: null,
    acr: null,
  });
  const sessions = openSessions({ idleMs: 1000, mostMs: 10_000, most: 5, mostOfOne: 2 }, () => now);
  const cookies = Array.from({ length: 4 }, () => sessions.begin(person('one'), '').cookie);
  t.same(
    cookies.map((cookie) => sessions.find(cookie) !== undefined),
    [false, false, true, true],
    'of one person',
  );
  for (const name of ['b', 'c', 'd', 'e', 'f']) sessions.begin(person(name), '');
  t.equal(sessions.count, 5, 'of all');
  t.equal(sessions.find('guessed.guessed'), undefined);

  const secret = Buffer.alloc(32, 7);
  t.not(maskedToken(secret), maskedToken(secret), 'another one on each page');
  t.ok(isTokenOf(secret, maskedToken(secret)));
  for (const wrong of ['', 'x', maskedToken(Buffer.alloc(32, 8)), undefined, 'A'.repeat(500)])
    t.notOk(isTokenOf(secret, wrong));

  t.same(
    ['de', 'en-GB, fr;q=0.9', 'fr;q=0, en', '', 'xx;q=9999, *'].map((one) => asked(one)),
    ['fr', 'en', 'en', 'fr', 'fr'],
  );
});

t.test('on the wire', async (t) => {
  const site = await portalSite(t, { patience: { head: 700, whole: 1500, between: 5000, end: 500 } });
  await peopled(site.mandat);
  const doctor = await site.signInAs(DOCTOR);
  const home = await doctor.get('/');

  t.test('every answer tells the browser what it may not do', async (t) => {
    for (const page of [home, await site.browser().get('/signed-out'), await doctor.get('/nowhere')]) {
      const policy = page.headers.get('content-security-policy') ?? '';
      t.match(policy, /default-src 'none'/);
      t.match(policy, /frame-ancestors 'none'/);
      t.notMatch(policy, /unsafe|\*/, 'nothing inline');
      t.match(Object.fromEntries(page.headers), {
        'x-frame-options': 'DENY',
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
      });
      t.notMatch(page.body, /<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=/i, 'and nothing inline stands there');
      t.notMatch(page.body, /(?:src|href)="https?:/, 'nor is anything asked of others');
    }
  });

  t.test('a mistyped identifier in the form is refused with the reason, and nothing is written', async (t) => {
    const place = `/mailboxes/${encodeURIComponent(MAILBOX)}`;
    const form = await doctor.get(`${place}/add`);
    const once = /name="once" value="([^"]*)"/.exec(form.body)?.[1] ?? '';
    const fields = { csrf: csrfOf(form.body), once, identifier: '809171209251', acknowledge: 'yes' };
    const refused = await doctor.post(`${place}/add`, fields);
    t.equal(refused.status, 422);
    t.match(refused.body, /role="alert"/);
    t.match(refused.body, /Le dernier chiffre de cet identifiant .* pas la clé des autres/);
    t.notMatch((await doctor.get(place)).body, '809171209251');
  });

  t.test('cookies', async (t) => {
    const asked = await site.browser().get('/sign-in', { follow: false });
    t.match(asked.headers.get('set-cookie'), /HttpOnly.*SameSite=Lax/i);
  });

  t.test('a secret that somebody else has put into the browser opens nothing', async (t) => {
    const attacker = await site.signInAs(SECRETARY);
    const planted = attacker.read('mandat-session') ?? '';
    const victim = site.browser();
    victim.cookies.set(new URL(site.url).host, new Map([['mandat-session', planted]]));
    await victim.signIn(DOCTOR);
    t.not(victim.read('mandat-session'), planted);
    t.match((await attacker.get('/resume', { follow: false })).headers.get('location'), '/sign-in', 'it has ended');
  });

  t.test("an answer of the provider's is good once, and in the browser that asked for it", async (t) => {
    const attacker = site.browser();
    const begun = await attacker.get('/sign-in');
    const back = await attacker.ask(begun.url, { method: 'POST', form: { person: SECRETARY }, follow: false });
    const resumed = await attacker.get(back.headers.get('location') ?? '', { follow: false });
    const link = resumed.headers.get('location') ?? '';
    t.match(link, '/sign-in/back?');
    t.equal((await site.browser().get(link)).status, 400, 'a link with a code of somebody else signs nobody in');
    const forgedState = site.browser();
    await forgedState.get('/sign-in', { follow: false });
    t.equal((await forgedState.get(link)).status, 400, 'nor where another sign-in had begun');
  });

  t.test('forms of others', async (t) => {
    const csrf = csrfOf(home.body);
    t.not(csrf, '');
    const from = (headers: Record<string, string>) => doctor.post('/sign-out', { csrf }, { headers });
    t.equal((await from({ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' })).status, 403);
    t.equal((await from({ origin: 'null' })).status, 403, 'from nowhere');
    t.equal(
      (await doctor.ask('/sign-out', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }))
        .status,
      415,
    );
    const other = await site.signInAs(SECRETARY);
    t.equal((await other.post('/sign-out', { csrf })).status, 409, "with another session's token");
    t.equal((await doctor.get('/sign-out')).status, 404, 'nobody is signed out by a link');
  });

  t.test('what is another person’s', async (t) => {
    const other = encodeURIComponent(OTHER_MAILBOX);
    for (const path of [`/mailboxes/${other}`, '/admin', '/account'])
      t.ok([403, 404, 422].includes((await doctor.get(path)).status), path);
    const reader = await site.signInAs(READER);
    const page = await reader.get('/');
    t.equal(page.status, 200);
    t.equal((await reader.post('/admin/held', { csrf: csrfOf(page.body) })).status, 403, 'who reads changes nothing');
    // What is written into mandat's own state alone, too.
    const contact = await reader.post(`/mailboxes/${encodeURIComponent(MAILBOX)}/contact`, {
      csrf: csrfOf(page.body),
      address: 'reader@example.org',
      language: 'en',
    });
    t.notOk(contact.status < 400, `${contact.status}`);
    t.match(JSON.parse(await site.mandat('mailbox', 'contact', MAILBOX, '--json')), { address: null, language: null });
  });

  t.test('hosts, sizes and the slow', async (t) => {
    t.match(await raw(site, 'GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n'), /^HTTP\/1.1 421 /);
    t.match(
      await raw(
        site,
        `GET /?${'a'.repeat(5000)} HTTP/1.1\r\nHost: ${new URL(site.url).host}\r\nConnection: close\r\n\r\n`,
      ),
      / 414 /,
    );
    t.match(await raw(site, `GET / HTTP/1.1\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`), / 431 /);
    t.equal((await doctor.post('/sign-out', { csrf: 'x', much: 'a'.repeat(100_000) })).status, 413);
    t.match(await raw(site, 'GET / HTTP/1.1\r\nHost: '), /^(HTTP\/1.1 408 |$)/, 'a head that never ends');
    const begun = `POST /sign-out HTTP/1.1\r\nHost: ${new URL(site.url).host}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\ncsrf=`;
    t.match(await raw(site, begun), /^(HTTP\/1.1 4\d\d |$)/, 'a body that never ends');
  });

  t.test('everything done is in the trail, from which session', async (t) => {
    const { entries } = JSON.parse(`{"entries":${listed(await site.mandat('audit', '--json'))}}`);
    const mine = entries.filter((one: { action: string }) => one.action === 'portal-sign-in');
    t.ok(mine.length > 0);
    for (const one of mine) t.match(JSON.stringify(one), /portal:[0-9a-f]{10}/);
  });
});

t.test(
  'too many requests from one address: whoever nobody knows waits; who is known does not wait for them',
  async (t) => {
    let now = Date.now();
    const site = await portalSite(t, {
      clock: () => now,
      portal: '[portal.services.webmail]\nkey_file = "webmail.key"\nactions = ["readMe"]\n',
      secrets: { 'webmail.key': KEY },
    });
    await peopled(site.mandat);
    const doctor = await site.signInAs(DOCTOR);
    const ask = (path: string, headers = {}) =>
      fetch(`${site.url}${path}`, { redirect: 'manual', headers: { 'accept-language': 'en', ...headers } });
    const key = (name: string, more = '') =>
      ask('/api/v1/me', { authorization: `Bearer ${KEY}${more}`, 'on-behalf-of': name });
    const statusOf = async (answer: Promise<Response>) => {
      const { status, body } = await answer;
      await body?.cancel();
      return status;
    };

    // One webmail for many people asks more often than anybody unknown may: each is limited by themselves.
    const users = [DOCTOR, OTHER_DOCTOR, ...Array.from({ length: 6 }, (_, n) => `user${n}`)];
    for (const [n, login] of users.entries())
      if (n > 1) await site.mandat('delegate', 'add', `81000123${n}000`, '--login', login);
    const each = Math.ceil((RATES.address.burst + 50) / users.length);
    for (const user of users)
      for (let n = 0; n < each; n++) {
        const status = await statusOf(key(user));
        if (status !== 200) t.fail(`${user}, the ${n}th: ${status}`);
      }
    while ((await statusOf(key(DOCTOR))) === 200);
    t.equal(await statusOf(key(DOCTOR)), 429, 'one of them who asks too often');
    t.equal(await statusOf(key(OTHER_DOCTOR)), 200, 'and nobody else waits');

    // Guessed keys and names, from the same address.
    const before = (await site.mandat('audit', '--json')).length;
    const guesses = [
      () => key(DOCTOR, 'x'),
      () => key('nobody@example.org'),
      () => ask('/api/v1/me'),
      () => ask('/api/v1/openapi.json'),
      () => ask('/api/v1/nothing'),
      () => ask('/signed-out'),
    ] as const;
    const tried: number[] = [];
    while (tried.at(-1) !== 429) tried.push(await statusOf((guesses[tried.length % 50] ?? guesses[5])()));
    t.ok(tried.length > RATES.address.burst - 10 && tried.length <= RATES.address.burst, `after ${tried.length}`);
    const told = (await site.mandat('audit', '--json')).length;
    t.ok(told > before, 'who was named for nothing is in the trail');
    for (const guess of guesses) {
      const answer = await guess();
      const text = await answer.text();
      t.equal(answer.status, 429);
      t.match(answer.headers.get('retry-after'), /^[1-9]\d?$/);
      t.notMatch(text, /node_modules|\bat \S+ \(/);
      if (answer.url.includes('/api/')) {
        t.equal(answer.headers.get('content-type'), 'application/problem+json');
        t.match(JSON.parse(text), { status: 429, code: 'TOO_OFTEN' });
      } else t.match(answer.headers.get('content-type'), /^text\/html/);
    }
    t.equal((await site.mandat('audit', '--json')).length, told, 'and the trail is not filled any further');
    t.equal((await doctor.get('/mailboxes')).status, 200, 'a session goes on');
    t.equal(await statusOf(key(OTHER_DOCTOR)), 200, 'and so does the webmail');
    t.equal(await statusOf(ask('/', { cookie: 'mandat-session=guessed' })), 429, 'not by a cookie that opens nothing');
    now += 1000;
    t.equal(await statusOf(ask('/signed-out')), 200, 'after that they go on');

    // A session by itself.
    let asked = 0;
    while ((await doctor.get('/mailboxes')).status === 200) asked++;
    t.ok(asked > 0 && asked <= RATES.session.burst + 5, `${asked}`);
    const late = await doctor.get('/mailboxes');
    t.match(late, { status: 429 });
    t.match(late.headers.get('retry-after'), /^[1-9]\d?$/);
  },
);

t.test('the session runs out in mid-form: nothing typed is lost, and nobody else sees it', async (t) => {
  let now = Date.now();
  const site = await portalSite(t, { clock: () => now });
  await peopled(site.mandat);
  const typed = { csrf: 'old', note: 'Je pars <b>demain</b> "à midi"' };
  const path = `/mailboxes/${encodeURIComponent(MAILBOX)}/contact`;
  const doctor = await site.signInAs(DOCTOR);
  now += 31 * 60_000;
  const late = await doctor.post(path, typed);
  t.match(late, { status: 401, body: /session a expiré/ });
  t.notMatch(late.body, 'demain');
  const again = await doctor.signIn(DOCTOR);
  t.match(again, { status: 200, body: /Rien n&#39;a encore été fait/ });
  t.match(again.body, `value="Je pars &lt;b&gt;demain&lt;/b&gt; &quot;à midi&quot;"`);
  t.match(again.body, `action="${path}"`);
  t.ok(csrfOf(again.body).length > 40, 'with a token of the new session');

  now += 31 * 60_000;
  await doctor.post(path, typed);
  doctor.cookies.delete(new URL(site.provider.issuer).host); // they are signed in there still
  t.notMatch((await doctor.signIn(SECRETARY)).body, 'demain', 'somebody else at the same browser is not shown it');

  now += 31 * 60_000;
  const admin = await site.signInAs(ADMIN);
  now += 31 * 60_000;
  const foreign = await admin.post(path, typed, {
    headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
  });
  t.equal(foreign.status, 403, 'what another site has sent is not kept');
  t.notMatch((await admin.signIn(ADMIN)).body, 'demain');

  const before = await site.signInAs(ADMIN);
  await site.restart();
  await before.get('/signed-out').catch(() => {}); // a connection that was kept is gone
  t.equal((await before.post(path, typed)).status, 401);
  t.match((await before.signIn(ADMIN)).body, 'demain', 'not even by a restart');
});

const listed = (json: string) => {
  const value = JSON.parse(json);
  return JSON.stringify(Array.isArray(value) ? value : (value.entries ?? []));
};

/** All that is answered to these octets, until the portal hangs up. */
function raw(site: PortalSite, octets: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = net.connect(site.port, '127.0.0.1', () => socket.write(octets));
    socket.setEncoding('utf8').on('data', (text) => {
      answer += text;
    });
    socket.on('error', () => {}).on('close', () => resolve(answer));
  });
}
