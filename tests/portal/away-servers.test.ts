/**
 * PostgreSQL and the IMAP server go away and come back under a portal and a sidecar that run all the time: what is asked for meanwhile is refused in
 * plain words or waits and says why, and comes true afterwards, without a restart.
 */
import t from 'tap';
import { startPostgresql } from '../../config/lab/postgresql.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { routeThrough, startProxy } from '../servers/imap-proxy.ts';
import { at, startSite } from '../servers/site.ts';
import { keepSitesInPostgresql } from '../servers/site-in-postgresql.ts';
import { portalSite } from './portal-site.ts';

const LIMIT_MS = 120_000;
const claims = (identifier: string) => ({ preferred_username: identifier, given_name: identifier, acr: 'eidas1' });

const postgresql = await startPostgresql();
t.teardown(() => postgresql.stop());
keepSitesInPostgresql(() => postgresql);

t.test('away, and back', async (t) => {
  const lab = await startSite({
    users: ['alice', 'bob', 'carol'],
    postfix: false,
    extraImap: 'timeout_seconds = 3\n',
    extraToml: '[schedule]\nretry_min_seconds = 1\nretry_max_seconds = 1\n',
  });
  t.teardown(() => lab.stop());
  await lab.register('alice', 'bob', 'carol');
  let up = true;
  const imap = await startProxy(lab.lab.imap, () => (up ? 'pass' : 'drop'));
  t.teardown(() => imap.close());
  await routeThrough(lab, imap);
  const sidecar = await lab.run();
  t.teardown(() => sidecar.end().then(() => {}));
  const here = await portalSite(t, { configFile: lab.configFile, people: { [at('alice')]: claims(at('alice')) } });
  const place = `/mailboxes/${encodeURIComponent(at('alice'))}`;
  const ask = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const token = await here.provider.sign(
      { sub: at('alice'), azp: 'mandat', aud: 'mandat', ...claims(at('alice')) },
      { typ: 'at+jwt' },
    );
    const answer = await fetch(`${here.url}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        connection: 'close',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, json: JSON.parse(text) };
  };
  const alice = await here.signInAs(at('alice'));
  const csrfAndOnce = (body: string) => {
    const value = (name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(body)?.[1] ?? '';
    return { csrf: value('csrf'), once: value('once') };
  };

  t.test('PostgreSQL', async (t) => {
    const asks = await alice.get(`${place}/add?identifier=${encodeURIComponent(at('bob'))}`);
    const typed = {
      ...csrfAndOnce(asks.body),
      identifier: at('bob'),
      starts: '',
      ends: '2998-12-31',
      acknowledge: 'yes',
    };
    await postgresql.halt();
    const page = await alice.post(`${place}/add`, typed);
    t.match({ status: page.status, again: page.headers.get('retry-after') }, { status: 503, again: /^\d+$/ });
    t.match(page.body, /Un service ne répond pas pour le moment/);
    t.match(page.body, /name="ends" value="2998-12-31"/, 'what was typed is there still');
    t.match(page.body, `name="once" value="${typed.once}"`);
    const look = await alice.get(place);
    t.equal(look.status, 503);
    const key = { 'idempotency-key': 'while-away' };
    const granting = () => ask('POST', `${place}/delegations`, { delegate: at('carol'), acknowledged: '2025-11' }, key);
    const [english, french] = [
      await granting(),
      await ask('GET', '/mailboxes', undefined, { 'accept-language': 'fr' }),
    ];
    for (const { status, headers, json } of [english, french]) {
      t.match({ status, ...json }, { status: 503, code: 'MANDAT_AWAY', type: 'urn:mandat:MANDAT_AWAY' });
      t.equal(headers.get('content-type'), 'application/problem+json');
      t.match(headers.get('retry-after'), /^\d+$/);
    }
    for (const text of [page.body, look.body, english.text, french.text])
      t.notMatch(text, /ECONN|postgres|node_modules|\bat \S+ \(|\.ts:/i, 'nothing of ours');
    t.ok(
      here.log.some(({ hint }) => typeof hint === 'string' && hint !== ''),
      'the log says what to do',
    );
    const signedIn = await here.browser().signIn(at('alice'));
    t.match(signedIn, { status: 503, body: /role="alert"|ne répond pas/ }, 'nor can anybody come in');

    await postgresql.start();
    const offered = { ...typed, ...csrfAndOnce(page.body) };
    const done = await waitFor('it is taken', LIMIT_MS, async () => {
      const answer = await alice.post(`${place}/add`, offered);
      return answer.status === 503 ? undefined : answer;
    });
    t.equal(done.status, 200, 'the form that was offered');
    const again = await granting();
    t.equal(again.status, 201, 'a key whose request could not be answered is good still');
    t.equal((await granting()).headers.get('idempotent-replayed'), 'true');
    const both = await ask('GET', `${place}/delegations`);
    t.strictSame(
      both.json.items.map((one: { delegate: { identifier: string } }) => one.delegate.identifier).sort(),
      [at('bob'), at('carol')],
      'each once',
    );
    await waitFor('both in force', LIMIT_MS, async () =>
      (await ask('GET', `${place}/delegations`)).json.items.every((one: { state: string }) => one.state === 'in force'),
    );
    t.ok((await here.signInAs(at('alice'))).cookie(), 'and people come in');
    await ask('DELETE', `${place}/delegations/${encodeURIComponent(at('carol'))}`);
  });

  t.test('the IMAP server, at a grant', async (t) => {
    await lab.settled(LIMIT_MS);
    up = false;
    const granted = await ask('POST', `${place}/delegations`, { delegate: at('carol'), acknowledged: '2025-11' });
    t.equal(granted.status, 201, 'it is saved');
    const progress = (language: string) =>
      ask('GET', granted.json.progress.replace('/api/v1', ''), undefined, { 'accept-language': language });
    const waiting = await waitFor('it says why it waits', LIMIT_MS, async () => {
      const { json } = await progress('fr');
      return json.failure === null ? undefined : json;
    });
    t.match(waiting, { state: 'waiting', final: false, failure: { code: 'retry', retryAt: /Z$/ }, sidecar: true });
    t.match(waiting.text, /serveur de messagerie ne répond pas/);
    t.match((await progress('en')).json.text, /mail server does not answer/);
    const address = `${place}?did=grant&delegate=${encodeURIComponent(at('carol'))}&version=${granted.json.version}`;
    t.match((await alice.get(address)).body, /serveur de messagerie ne répond pas/, 'the page says it too');
    up = true;
    const done = await waitFor('it comes true', LIMIT_MS, async () => {
      const { json } = await progress('fr');
      return json.final ? json : undefined;
    });
    t.match(done, { state: 'verified', failure: null });
    t.match((await alice.get(address)).body, /En vigueur et vérifiée/);
  });
});
