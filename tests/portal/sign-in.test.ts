/** Coming in by a real provider: who gets in and as what, and everybody who doesn't. */
import type { JWTPayload } from 'jose';
import t from 'tap';
import { csrfOf } from './browser-cookies.ts';
import { ADMIN, DOCTOR, MAILBOX, OTHER_DOCTOR, peopled, READER, SECRETARY, STRANGER } from './people.ts';
import { portalSite } from './portal-site.ts';

const EVERYBODY = [
  [DOCTOR, true, 'an owner'],
  [SECRETARY, true, 'a delegate without a delegation yet'],
  [ADMIN, true, 'in the group that administers'],
  [READER, true, 'in the one that reads'],
  [STRANGER, false, 'nobody here'],
] as const;

const REFUSED = [
  ['acr', { acr: 'password' }, /niveau d&#39;identification/],
  ['no acr', { acr: null }, /niveau d&#39;identification/],
  ['a CPE', { SubjectNameID: '399700245667/1' }, /utilisation de la CPE/],
  ['ADELI', { SubjectNameID: '0997002456' }, /portail RPPS\+/],
  ['a student', { SubjectNameID: '999700245667' }, /portail RPPS\+/],
  ['eleven digits', { SubjectNameID: '99700245667' }, /portail RPPS\+/],
  ['a mail address', { SubjectNameID: 'doc@example.org' }, /portail RPPS\+/],
  ['no identifier', { SubjectNameID: undefined }, /identifiant n&#39;a pas été transmis/],
  ['a list', { SubjectNameID: [DOCTOR] }, /identifiant n&#39;a pas été transmis/],
] as const;

t.test('signing in', async (t) => {
  let now = Date.now();
  const site = await portalSite(t, { clock: () => now });
  await peopled(site.mandat);
  const signedIn = async (sub: string) => {
    const browser = site.browser();
    const page = await browser.signIn(sub);
    return { browser, page, cookie: browser.read('mandat-session') };
  };

  for (const [sub, isIn, why] of EVERYBODY) {
    const { page, cookie } = await signedIn(sub);
    t.equal(cookie !== undefined, isIn, why);
    if (!isIn)
      t.match({ status: page.status, body: page.body }, { status: 403, body: /Aucune boîte aux lettres/ }, why);
  }

  await site.mandat('delegate', 'add', OTHER_DOCTOR);
  const both = await signedIn(OTHER_DOCTOR);
  for (const way of ['/mailboxes', '/account'])
    t.match(both.page.body, `href="${way}"`, 'an owner who is a delegate too');

  const sent = (await site.browser().get('/sign-in', { follow: false })).headers.get('location') ?? '';
  t.match(sent, `${site.provider.issuer}/`, 'by discovery');
  t.match(Object.fromEntries(new URL(sent).searchParams), {
    response_type: 'code',
    client_id: 'mandat',
    redirect_uri: `${site.url}/sign-in/back`,
    code_challenge: /^[\w-]{43}$/,
    code_challenge_method: 'S256',
    state: /^[\w-]{43}$/,
    nonce: /^[\w-]{43}$/,
    acr_values: 'eidas1',
  });

  const doctor = site.provider.people.get(DOCTOR) ?? {};
  for (const [why, change, said] of REFUSED) {
    site.provider.people.set(DOCTOR, { ...doctor, ...change });
    const { page, cookie } = await signedIn(DOCTOR);
    t.match({ status: page.status, body: page.body, cookie }, { status: 403, body: said, cookie: undefined }, why);
  }
  site.provider.people.set(DOCTOR, doctor);

  const tampered = [
    ['for another client', { aud: 'other' }],
    ['of another issuer', { iss: 'https://elsewhere.example' }],
    ['with another nonce', { nonce: 'guessed' }],
    ['that ended a minute ago', { exp: Math.floor(Date.now() / 1000) - 60 }],
    ['authorized for another party', { azp: 'other' }],
    ['for several, without a party', { aud: ['mandat', 'other'] }],
  ] as const;
  for (const [why, change] of tampered) {
    site.provider.tamper = (claims) => ({ ...claims, ...change }) as JWTPayload;
    const { page, cookie } = await signedIn(DOCTOR);
    t.match({ status: page.status, cookie }, { cookie: undefined }, why);
    t.ok([400, 403].includes(page.status), `${why}: ${page.status}`);
  }
  site.provider.tamper = (claims) => ({
    ...claims,
    exp: Math.floor(Date.now() / 1000) - 10,
    iat: Math.floor(Date.now() / 1000) + 10,
  });
  t.ok((await signedIn(DOCTOR)).cookie, 'a clock that is 10 s off does no harm');
  site.provider.tamper = undefined;

  await site.provider.rotateKeys();
  t.ok((await signedIn(DOCTOR)).cookie, 'with a key that was never seen before');

  site.provider.refusing.set('/token', 503);
  const away = await signedIn(DOCTOR);
  t.match(away, { page: { status: 503, body: /ne répond pas/ }, cookie: undefined });
  t.equal(away.page.headers.get('retry-after'), '5');
  site.provider.refusing.clear();

  const cancelled = site.browser();
  const asked = await cancelled.get('/sign-in');
  const back = await cancelled.ask(asked.url, { method: 'POST', form: { cancel: '1' } });
  t.match(back, { status: 403, body: /annulée/ });

  const idle = await signedIn(DOCTOR);
  now += 29 * 60_000;
  t.not((await idle.browser.get('/resume', { follow: false })).headers.get('location'), null);
  now += 29 * 60_000;
  t.equal(
    (await idle.browser.get('/resume', { follow: false })).headers.get('location'),
    '/',
    'each click is a new start',
  );
  now += 31 * 60_000;
  t.match(
    (await idle.browser.get('/mailboxes?page=2', { follow: false })).headers.get('location'),
    '/sign-in?to=%2Fmailboxes%3Fpage%3D2',
  );
  const long = await signedIn(DOCTOR);
  for (let minutes = 0; minutes < 240; minutes += 20) {
    await long.browser.get('/resume', { follow: false });
    now += 20 * 60_000;
  }
  t.match(
    (await long.browser.get('/resume', { follow: false })).headers.get('location'),
    '/sign-in',
    'and in any case',
  );

  const out = await signedIn(DOCTOR);
  await site.mandat('mailbox', 'remove', MAILBOX, '--yes');
  t.match(await out.browser.get('/mailboxes'), { status: 403, body: /Aucune boîte aux lettres/ }, 'no owner any more');
  t.equal(out.browser.read('mandat-session'), undefined, 'and their session has ended');

  const trail = await site.mandat('audit', '--json');
  t.match(trail, /portal-sign-in/);
  t.match(trail, /portal-refused/);
});

t.test('signing out', async (t) => {
  const site = await portalSite(t);
  await peopled(site.mandat);

  const browser = await site.signInAs(SECRETARY);
  const other = await site.signInAs(SECRETARY);
  const old = browser.cookie();
  // A form without its token is refused, and offers itself again with it.
  const again = await browser.post('/sign-out', { csrf: 'wrong' });
  t.equal(again.status, 409);
  const gone = await browser.post('/sign-out', { csrf: csrfOf(again.body) }, { follow: false });
  t.match(gone.headers.get('location'), `${site.provider.issuer}/session/end?`, 'the provider is asked to end its own');
  t.match(Object.fromEntries(new URL(gone.headers.get('location') ?? '').searchParams), {
    post_logout_redirect_uri: `${site.url}/signed-out`,
    id_token_hint: /^[\w-]+\.[\w-]+\.[\w-]+$/,
  });
  t.match(
    (await site.browser().get('/resume', { headers: { cookie: old }, follow: false })).headers.get('location'),
    '/sign-in',
    'what opened it opens nothing any more',
  );
  t.equal((await other.get('/resume', { follow: false })).headers.get('location'), '/', "another browser's goes on");

  // The provider's own word: real logout tokens, and each way in which one is none.
  const EVENT = { 'http://schemas.openid.net/event/backchannel-logout': {} };
  const told = async (claims: Record<string, unknown>, header = {}) =>
    (
      await fetch(`${site.url}/back-channel-logout`, {
        method: 'POST',
        body: new URLSearchParams({ logout_token: await site.provider.sign(claims, header) }),
      })
    ).status;
  const good = { aud: 'mandat', sub: SECRETARY, events: EVENT, jti: 'one' };
  const bad = [
    ['for another client', { ...good, aud: 'other', jti: 'a' }],
    ['of another issuer', { ...good, iss: 'https://elsewhere.example', jti: 'b' }],
    ['an ID token', { ...good, nonce: 'n', jti: 'c' }],
    ['without the event', { ...good, events: {}, jti: 'd' }],
    ['of nobody', { ...good, sub: undefined, jti: 'e' }],
    ['without a jti', { ...good, jti: undefined }],
    ['that has ended', { ...good, exp: Math.floor(Date.now() / 1000) - 100, jti: 'f' }],
  ] as const;
  for (const [why, claims] of bad) t.equal(await told(claims), 400, why);
  const { generateKeyPair } = await import('jose');
  t.equal(await told({ ...good, jti: 'g' }, { key: (await generateKeyPair('RS256')).privateKey }), 400, 'forged');
  t.equal((await other.get('/resume', { follow: false })).headers.get('location'), '/', 'and nobody was signed out');
  t.equal(await told(good), 200);
  t.match((await other.get('/resume', { follow: false })).headers.get('location'), '/sign-in', 'now they are');
  t.equal(await told(good), 400, 'a word is heard once');

  // Of one session of theirs alone, where the provider names it.
  const inSession = async (sid: string) => {
    site.provider.tamper = (claims) => ({ ...claims, sid });
    return site.signInAs(SECRETARY);
  };
  const [first, second] = [await inSession('one'), await inSession('two')];
  site.provider.tamper = undefined;
  t.equal(await told({ aud: 'mandat', sid: 'one', events: EVENT, jti: 'h' }), 200);
  t.match((await first.get('/resume', { follow: false })).headers.get('location'), '/sign-in', 'that one has ended');
  t.equal((await second.get('/resume', { follow: false })).headers.get('location'), '/', 'the other goes on');
});
