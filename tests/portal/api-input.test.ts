/** What is wrong with a question, said with the right status, and nothing written; two at once; what is sent twice. R15, R18 */
import path from 'node:path';
import Database from 'better-sqlite3';
import t, { type Test } from 'tap';
import { OF_THE_API } from '../../.ci/manual/words/refusals.ts';
import { NO_RULE } from '../../bridge/portal/api/problem.ts';
import { DETAILS_FR } from '../../bridge/portal/api/problem-fr.ts';
import { FR } from '../../bridge/portal/pages/words/fr.ts';
import { RATES } from '../../bridge/portal/rate-limits.ts';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { mandatAt } from '../cli/warm.ts';
import { apiSite, listed } from './api-site.ts';
import { ADMIN, DOCTOR, MAILBOX, OTHER_DOCTOR, OTHER_MAILBOX, OTHER_SECRETARY, SECRETARY } from './people.ts';
import { SITE } from './portal-site.ts';

const PLACE = `/mailboxes/${MAILBOX}/delegations`;
/** A delegate whom the directory doesn't list, and nobody. */
const UNLISTED = '810001000016';
const UNKNOWN = '810001000024';
const LONG = 'x'.repeat(10_000);
/** What is said where nothing better is known. */
const GENERAL = new RegExp(Object.values(FR.codes.failures).join('|'));

t.test('bad questions', async (t) => {
  let now = Date.now();
  const { ask, url, token, mandat } = await apiSite(t, { clock: () => (now += 1000) }); // nobody asks too often
  await mandat('delegate', 'add', UNLISTED, '--login', 'unlisted');
  const BAD: readonly (readonly [string, string, unknown, number, string])[] = [
    ['a search with one criterion', 'GET /people?lastName=kit', undefined, 422, 'TWO_CRITERIA'],
    ['with a blank one beside it', 'GET /people?lastName=kit&city=%20', undefined, 422, 'TWO_CRITERIA'],
    ['an identifier with letters', 'GET /people?identifier=abc', undefined, 422, 'MANDAT_IDENTIFIER'],
    ['10,000 characters', `GET /people?city=${LONG.slice(0, 3000)}`, undefined, 422, 'BAD_QUESTION'],
    ['a criterion that there is not', 'GET /people?lastName=kit&born=1970', undefined, 422, 'BAD_QUESTION'],
    ['a delegate who is no number', `POST ${PLACE}`, { delegate: 'sam' }, 422, 'MANDAT_IDENTIFIER'],
    ['a number of another type', `POST ${PLACE}`, { delegate: '312345678901' }, 422, 'MANDAT_IDENTIFIER'],
    [
      'a bad key, and no number in use starts so',
      `POST ${PLACE}`,
      { delegate: '809171209251' },
      422,
      'MANDAT_IDENTIFIER',
    ],
    ['the same, searched for', 'GET /people?identifier=809171209251', undefined, 422, 'MANDAT_IDENTIFIER'],
    [
      'a bad key alone: warned of, not refused, but nobody has it',
      `POST ${PLACE}`,
      { delegate: '810001234567' },
      422,
      'MANDAT_NOT_LISTED',
    ],
    ['nobody whom the directory lists', `POST ${PLACE}`, { delegate: listed(99) }, 422, 'MANDAT_NOT_LISTED'],
    ['oneself', `POST ${PLACE}`, { delegate: DOCTOR }, 422, 'MANDAT_SELF'],
    ['10,000 characters of a note', `POST ${PLACE}`, { delegate: SECRETARY, note: LONG }, 422, 'BAD_QUESTION'],
    ['a note that turns text around', `POST ${PLACE}`, { delegate: SECRETARY, note: 'a\u202eb' }, 422, 'BAD_QUESTION'],
    ['an end that is past', `POST ${PLACE}`, { delegate: SECRETARY, endsAt: '2001-01-01' }, 422, 'ENDS_IN_THE_PAST'],
    ['an end that is none', `POST ${PLACE}`, { delegate: SECRETARY, endsAt: 'tomorrow' }, 422, 'BAD_QUESTION'],
    [
      'an end before the start',
      `POST ${PLACE}`,
      { delegate: SECRETARY, startsAt: '2998-01-02', endsAt: '2998-01-01' },
      422,
      'MANDAT_ORDER',
    ],
    [
      'another version of the responsibility',
      `POST ${PLACE}`,
      { delegate: SECRETARY, acknowledged: '1' },
      422,
      'MANDAT_ACKNOWLEDGE',
    ],
    [
      'a reason that only administrators may give',
      `POST ${PLACE}`,
      { delegate: SECRETARY, force: 'x' },
      403,
      'MANDAT_ACTOR',
    ],
    ['what the schema does not know', `POST ${PLACE}`, { delegate: SECRETARY, admin: true }, 422, 'BAD_QUESTION'],
    ['a list', `POST ${PLACE}`, [], 422, 'BAD_QUESTION'],
    ['no JSON', `POST ${PLACE}`, '{', 400, 'NOT_JSON'],
    ['an address that is none', 'GET /mailboxes/nobody/delegations', undefined, 422, 'MANDAT_ADDRESS'],
    [
      'a mailbox that is not there is as one that is not theirs',
      'GET /mailboxes/no@example.org/delegations',
      undefined,
      403,
      'MANDAT_ACTOR',
    ],
    ['a cursor that is none', `GET ${PLACE}?cursor=%21`, undefined, 422, 'BAD_CURSOR'],
    ['too many at once', `GET ${PLACE}?limit=100000`, undefined, 422, 'BAD_QUESTION'],
    ['who is not delegated to', `GET ${PLACE}/${OTHER_SECRETARY}`, undefined, 404, 'MANDAT_ABSENT'],
    ['a place that is not there', 'GET /nothing', undefined, 404, 'NO_SUCH_PLACE'],
  ];
  for (const [why, asked, body, status, code] of BAD) {
    const [method = '', path = ''] = asked.split(' ');
    const answer = await ask(method, path, { by: DOCTOR, ...(body === undefined ? {} : { body }) });
    t.match({ status: answer.status, code: answer.json.code }, { status, code }, why);
    t.equal(answer.headers.get('content-type'), 'application/problem+json', why);
    t.notMatch(answer.text, /xxxxxxxxxx|\u202e/, `${why}: what was sent is not repeated`);
    const headers = { 'accept-language': 'fr' };
    const french = await ask(method, path, { by: DOCTOR, headers, ...(body === undefined ? {} : { body }) });
    t.match({ status: french.status, code: french.json.code }, { status, code }, why);
    if (code !== 'MANDAT_ABSENT') t.notMatch(french.json.detail, GENERAL, `${why}: in words of its own`);
    for (const [name] of answer.json.detail.matchAll(/[\w.]+@[\w.]+|\b\d{9,12}\b/g))
      if (name !== DOCTOR && name !== 'name@domain')
        t.match(french.json.detail, name, `${why}: the French names whom the English does`);
  }
  const faults = await Promise.all(
    ['809171209251', '81712092', 'sam', '312345678901'].map((delegate) =>
      ask('POST', PLACE, { by: DOCTOR, body: { delegate }, headers: { 'accept-language': 'fr' } }),
    ),
  );
  t.equal(
    new Set(faults.map(({ json }) => json.detail.replace(/^.*?\u00a0: /, ''))).size,
    4,
    'which fault, in French too',
  );
  t.match(faults[0]?.json.detail, /^809171209251\u00a0: Le dernier chiffre/);
  const date = { delegate: SECRETARY, endsAt: 'demain' };
  const when = await ask('POST', PLACE, { by: DOCTOR, body: date, headers: { 'accept-language': 'fr' } });
  t.match(when.json.errors, [{ at: 'body.endsAt', message: /^ni une date/ }]);
  const badKey = await ask('POST', PLACE, { by: DOCTOR, body: { delegate: '809171209251' } });
  t.match(badKey.json.detail, /last digit is not the key/, 'the reason is said');
  t.strictSame((await ask('GET', PLACE, { by: DOCTOR })).json.items, [], 'nothing was written');
  await enumerated(t, ask);
  const form = await fetch(`${url}/api/v1${PLACE}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await token(DOCTOR)}`, 'content-type': 'application/x-www-form-urlencoded' },
    body: `delegate=${SECRETARY}`,
  });
  t.match({ status: form.status, ...((await form.json()) as object) }, { status: 415, code: 'NOT_JSON' });
  await shapes(t, url, await token(OTHER_DOCTOR));
  const names = await ask('GET', '/people?city=brest&firstName=a', { by: DOCTOR });
  t.notMatch(names.text, /\u202e/, 'what turns text around is written as an escape');
  t.ok(names.json.people.some((one: { identifier: string; lastName: string }) => one.identifier === OTHER_SECRETARY));
});

t.test('the tenth and the eleventh from two tabs, and what is sent twice', async (t) => {
  const { ask, restart } = await apiSite(t);
  for (let n = 0; n < 9; n++)
    t.equal((await ask('POST', PLACE, { by: DOCTOR, body: { delegate: listed(n) } })).status, 201);
  const both = await Promise.all([9, 10].map((n) => ask('POST', PLACE, { by: DOCTOR, body: { delegate: listed(n) } })));
  t.strictSame(both.map(({ status }) => status).sort(), [201, 409]);
  t.equal(both.find(({ status }) => status === 409)?.json.code, 'MANDAT_LIMIT');
  t.match((await ask('GET', '/mailboxes', { by: DOCTOR })).json.items, [{ delegates: 10, limit: 10, closed: 'limit' }]);
  t.match(
    (await ask('GET', `/delegations?delegate=${listed(10)}`, { by: ADMIN })).json.items?.length ?? 0,
    both[1]?.status === 201 ? 1 : 0,
  );

  // In pages, also where one of them goes meanwhile.
  const first = await ask('GET', `${PLACE}?limit=4`, { by: DOCTOR });
  await ask('DELETE', `${PLACE}/${listed(0)}`, { by: DOCTOR });
  const second = await ask('GET', `${PLACE}?limit=4&cursor=${first.json.next}`, { by: DOCTOR });
  const third = await ask('GET', `${PLACE}?limit=4&cursor=${second.json.next}`, { by: DOCTOR });
  const told = [first, second, third].flatMap(({ json }) =>
    json.items.map((one: { delegate: { identifier: string } }) => one.delegate.identifier),
  );
  t.equal(new Set(told).size, 10);
  t.equal(third.json.next, null);

  // Sent twice with one key: done once, the same answer. Another question with that key is a mistake.
  const keyed = (key: string, delegate: string) =>
    ask('POST', PLACE, { by: DOCTOR, body: { delegate }, headers: { 'idempotency-key': key } });
  const [one, two] = await Promise.all([keyed('a', listed(20)), keyed('a', listed(20))]);
  t.equal(one?.status, 201);
  t.equal(one?.text, two?.text);
  t.strictSame([one, two].map((each) => each?.headers.get('idempotent-replayed')).sort(), ['true', null].sort());
  t.match((await keyed('a', listed(21))).json, { status: 422, code: 'KEY_USED' });
  t.match((await keyed('b', listed(20))).json, { status: 409, code: 'MANDAT_DUPLICATE' });
  t.equal((await keyed('é', listed(20)).catch(() => ({ status: 400 }))).status, 400);
  t.match(
    (await ask('POST', PLACE, { by: ADMIN, body: { delegate: listed(22) }, headers: { 'idempotency-key': 'a' } })).json,
    {
      status: 409,
      code: 'MANDAT_LIMIT',
    },
  );

  // The same after a restart; also of what was refused. What failed on our side is no answer to be kept.
  const refusedOnce = await keyed('c', listed(23));
  t.match(refusedOnce.json, { status: 409, code: 'MANDAT_LIMIT' });
  await restart();
  const after = await keyed('a', listed(20));
  t.equal(after.text, one?.text);
  t.equal(after.headers.get('location'), one?.headers.get('location'));
  t.equal(after.headers.get('idempotent-replayed'), 'true');
  t.match((await keyed('a', listed(21))).json, { status: 422, code: 'KEY_USED' });
  t.equal((await keyed('c', listed(23))).text, refusedOnce.text);
  t.notOk((await ask('GET', `${PLACE}/${listed(23)}`, { by: DOCTOR })).status < 400);

  // What has been seen, and what has changed since.
  const seen = await ask('GET', `${PLACE}/${listed(1)}`, { by: DOCTOR });
  const etag = seen.headers.get('etag') ?? '';
  const again = await ask('GET', `${PLACE}/${listed(1)}`, { by: DOCTOR, headers: { 'if-none-match': etag } });
  t.equal(again.status, 304);
  t.equal(
    (await ask('POST', `${PLACE}/${listed(1)}/suspend`, { by: DOCTOR, headers: { 'if-match': etag } })).status,
    200,
  );
  const late = await ask('DELETE', `${PLACE}/${listed(1)}`, { by: DOCTOR, headers: { 'if-match': etag } });
  t.match(late.json, { status: 412, code: 'CHANGED_MEANWHILE' });
  t.equal((await ask('GET', `${PLACE}/${listed(1)}`, { by: DOCTOR })).json.suspended, true, 'it is still there');
  t.equal((await ask('DELETE', `${PLACE}/${listed(1)}`, { by: DOCTOR, headers: { 'if-match': '*' } })).status, 200);
  t.equal((await ask('DELETE', `${PLACE}/${listed(1)}`, { by: DOCTOR, headers: { 'if-match': '*' } })).status, 412);
});

/** An owner learns nothing of whom and what there is beyond what the directory publishes; an administrator does. */
async function enumerated(t: Test, ask: Awaited<ReturnType<typeof apiSite>>['ask']): Promise<void> {
  const seen = async (by: string, method: string, place: string, body?: unknown) => {
    const { status, json } = await ask(method, place, { by, ...(body === undefined ? {} : { body }) });
    const names = [MAILBOX, OTHER_MAILBOX, 'no@example.org', UNLISTED, UNKNOWN].map((one) =>
      one.replace(/[.]/g, '\\.'),
    );
    return { status, code: json.code, detail: String(json.detail).replace(new RegExp(names.join('|'), 'g'), 'ONE') };
  };
  const both = async (
    by: string,
    one: readonly [string, string, unknown?],
    other: readonly [string, string, unknown?],
  ) => [await seen(by, ...one), await seen(by, ...other)] as const;
  for (const below of ['delegations', 'history', 'contact', 'explanation', `delegations/${SECRETARY}`]) {
    const [there, not] = await both(
      DOCTOR,
      ['GET', `/mailboxes/${OTHER_MAILBOX}/${below}`],
      ['GET', `/mailboxes/no@example.org/${below}`],
    );
    t.strictSame(there, not, `${below}: another's mailbox, and none`);
    t.match(there, { status: 403, code: 'MANDAT_ACTOR' });
  }
  // A delegate of this site whom the directory does not list, and nobody.
  const grants = [UNLISTED, UNKNOWN].map((delegate) => ['POST', PLACE, { delegate }] as const);
  const reads = [UNLISTED, UNKNOWN].map((delegate) => ['GET', `${PLACE}/${delegate}`] as const);
  const accounts = [UNLISTED, UNKNOWN].map((delegate) => ['GET', `/accounts/${delegate}`] as const);
  const lists = [UNLISTED, UNKNOWN].map((delegate) => ['GET', `/delegations?delegate=${delegate}&as=owner`] as const);
  const people = [UNLISTED, UNKNOWN].map((delegate) => ['GET', `/people?identifier=${delegate}`] as const);
  for (const [one, other] of [grants, reads, accounts, lists, people]) {
    if (one === undefined || other === undefined) continue;
    const [there, not] = await both(DOCTOR, one, other);
    t.strictSame(there, not, `${one[0]} ${one[1]}: ${there.status}`);
  }
  t.match(await seen(ADMIN, 'GET', '/mailboxes/no@example.org/delegations'), {
    status: 404,
    code: 'MANDAT_UNKNOWN_MAILBOX',
  });
}

type Request = RequestInit & { readonly duplex?: 'half' };

/** What is wrong before any rule is asked: always a problem with its own code, in the language that was asked for, and nothing of ours in it. */
async function shapes(t: Test, url: string, token: string): Promise<void> {
  const json = { 'content-type': 'application/json' };
  const grant = (body: string, more = {}) => ({ method: 'POST', body, headers: { ...json, ...more } });
  const CASES: readonly (readonly [string, string, Request | (() => Request), number, string])[] = [
    ['a name twice', `/api/v1${PLACE}`, grant(`{"delegate":"${SECRETARY}","delegate":"${DOCTOR}"}`), 400, 'NOT_JSON'],
    ['hidden by an escape', `/api/v1${PLACE}`, grant('{"note":"a","n\\u006fte":"b"}'), 400, 'NOT_JSON'],
    ['a prototype', `/api/v1${PLACE}`, grant(`{"delegate":"${SECRETARY}","__proto__":{"a":1}}`), 422, 'BAD_QUESTION'],
    ['not UTF-8', `/api/v1${PLACE}`, { ...grant(''), body: Buffer.from('7b22ff227d', 'hex') }, 400, 'NOT_JSON'],
    ['deep', `/api/v1${PLACE}`, grant('['.repeat(60_000)), 400, 'NOT_JSON'],
    ['nothing', `/api/v1${PLACE}`, grant(''), 400, 'NOT_JSON'],
    ['too long', `/api/v1${PLACE}`, grant(`"${'x'.repeat(70_000)}"`), 413, 'TOO_LARGE'],
    [
      'of unknown length',
      `/api/v1${PLACE}`,
      () => ({ ...grant(''), body: endless(), duplex: 'half' }),
      413,
      'TOO_LARGE',
    ],
    ['a form', `/api/v1${PLACE}`, grant('a=b', { 'content-type': 'text/plain' }), 415, 'NOT_JSON'],
    [
      'another charset',
      `/api/v1${PLACE}`,
      grant('{}', { 'content-type': 'application/json; charset=latin1' }),
      415,
      'NOT_JSON',
    ],
    ['compressed', `/api/v1${PLACE}`, grant('{}', { 'content-encoding': 'gzip' }), 415, 'NOT_JSON'],
    ['asked twice', `/api/v1${PLACE}?limit=1&limit=2`, {}, 422, 'BAD_QUESTION'],
    ['as two', '/api/v1/mailboxes?as=owner&as=admin', {}, 422, 'BAD_QUESTION'],
    ['another method', '/api/v1/mailboxes', { method: 'DELETE' }, 405, 'NO_SUCH_METHOD'],
    ['a method of others', '/api/v1/mailboxes', { method: 'PROPFIND' }, 405, 'NO_SUCH_METHOD'],
    ['another version', '/api/v2/mailboxes', {}, 404, 'NO_SUCH_PLACE'],
    ['below a place', '/api/v1/mailboxes/a/b/c/d/e', {}, 404, 'NO_SUCH_PLACE'],
    ['a broken escape', '/api/v1/mailboxes/%ff/delegations', {}, 422, 'MANDAT_ADDRESS'],
    ['a long address', `/api/v1/people?city=${'x'.repeat(5000)}`, {}, 414, 'TOO_LONG'],
  ];
  for (const [why, place, given, status, code] of CASES)
    for (const language of ['en', 'fr-CA, fr;q=0.9']) {
      const { headers, ...request } = typeof given === 'function' ? given() : given;
      const asked = { authorization: `Bearer ${token}`, connection: 'close', 'accept-language': language, ...headers };
      const answer = await fetch(`${url}${place}`, { ...request, headers: asked });
      const problem = (await answer.json()) as Record<string, unknown>;
      const name = `${why} (${language})`;
      t.match({ ...problem, status: answer.status }, { status, code, type: `urn:mandat:${code}` }, name);
      t.equal(answer.headers.get('content-type'), 'application/problem+json', name);
      t.equal(answer.headers.get('content-language'), language.slice(0, 2), name);
      t.notMatch(
        JSON.stringify(problem),
        /xxxxx|node_modules|\.ts\b|\bat \S+ \(/,
        `${name}: nothing of it, nothing of ours`,
      );
      t.equal(
        /[éèàê’]|Envoyez|Cette/.test(`${problem.title} ${problem.detail}`),
        language !== 'en',
        `${name}: ${problem.detail}`,
      );
    }
  const plain = { headers: { authorization: `Bearer ${token}` } };
  const head = await fetch(`${url}/api/v1/mailboxes`, { ...plain, method: 'HEAD' });
  t.match([head.status, head.headers.get('etag'), await head.text()], [200, /^"/, '']);
  const options = await fetch(`${url}/api/v1${PLACE}`, {
    method: 'OPTIONS',
    headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
  });
  t.match([options.status, options.headers.get('allow')], [204, 'GET, POST, HEAD, OPTIONS']);
  t.equal(options.headers.get('access-control-allow-origin'), null, 'no page of another site may ask');
  const missing = await fetch(`${url}/api/v1/mailboxes`, { method: 'DELETE', ...plain });
  t.equal(missing.headers.get('allow'), 'GET, HEAD, OPTIONS');
}

/** A body whose length nobody says, and that never ends by itself. */
function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (to) => to.enqueue(new Uint8Array(16_384).fill(0x20)) });
}

t.test('every code of the API has its words in French', async (t) => {
  for (const code of Object.keys(OF_THE_API)) t.ok(code in DETAILS_FR || Object.values(NO_RULE).includes(code), code);
});

t.test('strict: a number whose key is wrong is refused, by pages and API as by the command line', async (t) => {
  const site = SITE.replace('[identity]', '[identity]\nstrict = true');
  const { ask, directory, config, signInAs } = await apiSite(t, { site });
  const typed = listed(1); // the directory has it
  const mandat = (...args: readonly string[]) => mandatAt(path.join(directory, 'mandat.toml'), args);
  const grant = () => ask('POST', PLACE, { by: DOCTOR, body: { delegate: typed } });
  const refused = await grant();
  t.match(refused.json, { status: 422, code: 'MANDAT_IDENTIFIER', detail: /not the key of the others/ });
  const said = await mandat('delegate', 'add', typed);
  t.equal(said.status, 3);
  t.ok(said.stderr.includes(refused.json.detail), `the same: ${said.stderr}`);
  const searched = await ask('GET', `/people?identifier=${typed}`, {
    by: DOCTOR,
    headers: { 'accept-language': 'fr' },
  });
  t.match(searched.json, { status: 422, code: 'MANDAT_IDENTIFIER', detail: /la clé des autres/ });
  const page = await (await signInAs(DOCTOR)).get(`/mailboxes/${encodeURIComponent(MAILBOX)}/add?identifier=${typed}`);
  t.match(page, { status: 422, body: /la clé des autres/ });
  t.equal((await ask('POST', PLACE, { by: DOCTOR, body: { delegate: SECRETARY } })).status, 201, 'one that is right');

  // Who is a delegate already, from before the site was strict.
  const table = new Database(dataFiles(config.dataDir).delegations);
  table.prepare("INSERT INTO delegate (id, login) VALUES (?, 'from-before')").run(typed);
  table.close();
  t.equal((await grant()).status, 201);
  const other = await mandat('--as', `owner:${OTHER_DOCTOR}`, 'grant', '--no-wait', OTHER_MAILBOX, typed);
  t.equal(other.status, 0, other.stderr);
});

t.test('too many requests: told when to come again, each asker by themselves', async (t) => {
  let now = Date.now();
  const { ask } = await apiSite(t, { clock: () => now });
  const change = (by: string) => ask('PUT', `/mailboxes/${MAILBOX}/contact`, { by, body: {} });
  const search = (by: string) => ask('GET', '/people?lastName=kit&city=paris', { by });
  for (const [what, asks, burst] of [
    ['changes', change, RATES.change.burst],
    ['searches', search, RATES.search.burst],
  ] as const) {
    const answers: Awaited<ReturnType<typeof ask>>[] = [];
    for (let n = 0; n <= burst; n++) answers.push(await asks(DOCTOR));
    const last = answers.pop();
    t.notOk(
      answers.some(({ status }) => status === 429),
      what,
    );
    t.match({ ...last?.json, status: last?.status }, { status: 429, code: 'TOO_OFTEN' }, what);
    const wait = Number(last?.headers.get('retry-after'));
    t.ok(wait >= 1 && wait <= 60, `${what}: Retry-After ${wait}`);
    t.not((await asks(OTHER_DOCTOR)).status, 429, `${what}: nobody else waits`);
    t.not(
      (await ask('GET', '/mailboxes', { by: DOCTOR })).status,
      429,
      `${what}: nor do they for what is no such thing`,
    );
    now += wait * 1000;
    t.not((await asks(DOCTOR)).status, 429, `${what}: after that they go on`);
  }
});
