/** Each operation of the API, asked for by whom it is for; every answer is held against the openapi.json that is served. */
import Database from 'better-sqlite3';
import t from 'tap';
import { OPERATIONS } from '../../bridge/portal/api/operations.ts';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { apiSite, listed } from './api-site.ts';
import { ADMIN, DOCTOR, MAILBOX, OTHER_DOCTOR, OTHER_MAILBOX, READER, SECRETARY } from './people.ts';

const CONFIG = `[accounts]
terms_version = "2"
terms_url = "https://example.org/cgu"
[notices]
`;

t.test('from a search to a revoke, as an owner, a delegate and an administrator', async (t) => {
  const { ask, answered, description, config } = await apiSite(t, { config: CONFIG });
  t.equal(description.openapi, '3.1.0');

  const me = await ask('GET', '/me', { by: DOCTOR });
  t.match(me.json, { identifier: DOCTOR, roles: { owner: true, delegate: false, admin: 'none' } });
  const { json: mailboxes } = await ask('GET', '/mailboxes', { by: DOCTOR });
  t.strictSame(
    mailboxes.items.map((one: { address: string }) => one.address),
    [MAILBOX],
    'their own alone',
  );
  const { json: people } = await ask('GET', '/people?lastName=tang&city=quimper', { by: DOCTOR });
  t.equal(people.total, 60);
  t.equal(people.people.length, 50, 'the first fifty');
  const text = await ask('GET', '/responsibility', { by: DOCTOR });

  const place = `/mailboxes/${MAILBOX}/delegations`;
  const granted = await ask('POST', place, {
    by: DOCTOR,
    body: { delegate: SECRETARY, acknowledged: text.json.version, endsAt: '2999-12-31', note: 'vacation' },
  });
  t.equal(granted.status, 201);
  t.equal(granted.headers.get('location'), `/api/v1/mailboxes/${encodeURIComponent(MAILBOX)}/delegations/${SECRETARY}`);
  t.match(granted.json, { verb: 'grant', delegate: SECRETARY, withheld: [{ why: 'account-pending' }] });
  const progress = await ask('GET', granted.json.progress.replace('/api/v1', ''), { by: DOCTOR });
  t.match(progress.json, { state: 'withheld', sidecar: false, paused: false });
  const french = { 'accept-language': 'fr-FR' };
  for (const { json, headers } of [
    await ask('GET', granted.json.progress.replace('/api/v1', ''), { by: DOCTOR, headers: french }),
    await ask('POST', `${place}/${SECRETARY}/resume`, { by: DOCTOR, headers: french }),
  ]) {
    t.match(json.withheld, [{ why: 'account-pending', sentence: 'le délégataire n’a pas encore activé son compte' }]);
    t.equal(headers.get('vary'), 'Accept-Language');
  }
  t.match(granted.json.withheld, [{ sentence: /account/ }], 'and English where nobody asks');
  const one = await ask('GET', `${place}/${SECRETARY}`, { by: DOCTOR });
  t.match(one.json, {
    state: 'suspended',
    reason: 'account-pending',
    note: 'vacation',
    endsAt: '2999-12-31T22:59:59.999Z',
  });

  const newcomer = await ask('POST', place, { by: DOCTOR, body: { delegate: listed(0) } });
  t.equal(newcomer.status, 201, 'somebody whom the directory lists and who was no delegate');
  t.match((await ask('GET', `${place}/${listed(0)}`, { by: DOCTOR })).json.delegate, {
    lastName: 'TANGUY',
    login: listed(0),
  });
  t.equal((await ask('POST', place, { by: DOCTOR, body: { delegate: listed(99) } })).json.code, 'MANDAT_NOT_LISTED');

  t.equal((await ask('POST', `${place}/${SECRETARY}/suspend`, { by: DOCTOR })).json.unchanged, false);
  t.equal((await ask('POST', `${place}/${SECRETARY}/suspend`, { by: DOCTOR })).json.unchanged, true);
  t.match((await ask('POST', `${place}/${SECRETARY}/resume`, { by: DOCTOR })).json, { verb: 'resume' });
  t.equal((await ask('GET', place, { by: DOCTOR })).json.items.length, 2);

  // The delegate: theirs, their account, and no delegation to end.
  t.match((await ask('GET', '/delegations', { by: SECRETARY })).json.items, [{ mailbox: MAILBOX }]);
  const own = '/accounts/me';
  t.match((await ask('GET', own, { by: SECRETARY })).json, {
    state: 'pending',
    delegated: [MAILBOX],
    terms: { version: '2' },
  });
  const activation = { contact: 'sam@example.org', terms: '2', identityConfirmed: true };
  t.match((await ask('POST', `${own}/activation`, { by: SECRETARY, body: activation })).json, {
    contact: 'sam@example.org',
  });
  t.match((await ask('GET', own, { by: SECRETARY })).json.waiting, { contact: 'sam@example.org' });
  const wrong = await ask('POST', `${own}/confirmation`, { by: SECRETARY, body: { code: '1234 5678' } });
  t.match(wrong.json, { status: 422, code: 'MANDAT_CODE' });
  t.match((await ask('DELETE', `${own}/request`, { by: SECRETARY })).json, { cancelled: true, state: 'pending' });
  await ask('POST', `${own}/activation`, { by: SECRETARY, body: activation });
  const code = mailed(dataFiles(config.dataDir).state);
  t.match((await ask('POST', `${own}/confirmation`, { by: SECRETARY, body: { code } })).json, { activated: true });
  t.match((await ask('GET', own, { by: SECRETARY })).json, {
    state: 'active',
    contact: 'sam@example.org',
    waiting: null,
  });
  t.match((await ask('PUT', `${own}/opt-outs`, { by: SECRETARY, body: { surveys: true } })).json, {
    surveys: true,
    newsletters: false,
  });
  t.match((await ask('POST', `${own}/activation`, { by: SECRETARY, body: activation })).json, {
    code: 'MANDAT_ACTIVE',
    status: 409,
  });
  const ending = await ask('DELETE', `${place}/${SECRETARY}`, { by: SECRETARY });
  t.match(ending.json, { status: 403, code: 'MANDAT_ACTOR', detail: /Vous ne pouvez pas mettre fin à une délégation/ });

  // Another owner sees nothing of it.
  t.equal((await ask('GET', place, { by: OTHER_DOCTOR })).status, 403);
  t.equal((await ask('GET', `/mailboxes/${OTHER_MAILBOX}/history`, { by: DOCTOR })).status, 403);

  const contact = `/mailboxes/${MAILBOX}/contact`;
  t.match((await ask('PUT', contact, { by: DOCTOR, body: { address: 'doc@example.org' } })).json, {
    address: 'doc@example.org',
  });
  t.match((await ask('GET', contact, { by: DOCTOR })).json, { address: 'doc@example.org', language: null });
  t.equal((await ask('PUT', contact, { by: DOCTOR, body: { address: MAILBOX } })).json.code, 'MANDAT_CONTACT');

  // The administrator acts for the owner, and the trail says so.
  t.match((await ask('GET', '/status', { by: ADMIN })).json, {
    running: false,
    servers: [{ mailboxes: 2 }],
    needsSomebody: true,
    own: { waiting: 2, failures: [], copies: [], filterRuns: null, trailBroken: null, outbox: { failed: 0 } },
  });
  t.equal((await ask('GET', '/status', { by: DOCTOR })).status, 403);
  t.equal((await ask('GET', '/audit', { by: READER })).status, 200);
  const held = (await ask('GET', '/held', { by: READER })).json;
  t.strictSame(held.items, []);
  t.match((await ask('POST', '/held/release', { by: ADMIN, body: { seen: 'others' } })).json, {
    code: 'HELD_OTHERWISE',
    status: 409,
  });
  t.match((await ask('POST', '/held/release', { by: ADMIN, body: { seen: held.mark } })).json, { released: 0 });
  t.match((await ask('DELETE', `${place}/${SECRETARY}`, { by: READER })).json, { status: 403, code: 'MANDAT_ACTOR' });
  t.match((await ask('DELETE', `${place}/${SECRETARY}`, { by: ADMIN })).json, { verb: 'revoke' });
  t.match(
    (await ask('DELETE', `${place}/${SECRETARY}`, { by: ADMIN })).json,
    { status: 404 },
    'the second of two clicks',
  );
  const explained = await ask('GET', `/mailboxes/${MAILBOX}/explanation`, { by: DOCTOR });
  t.match(explained.json.delegations, [{ identifier: listed(0), inForce: false }]);
  const { json: history } = await ask('GET', `/mailboxes/${MAILBOX}/history`, { by: DOCTOR });
  t.match(
    history.items.filter((entry: { action: string }) => entry.action === 'revoke'),
    [{ actor: `admin:${ADMIN}`, onBehalf: DOCTOR, via: 'api:roundcube', delegate: SECRETARY }],
  );
  t.match(
    history.items.find((entry: { action: string }) => entry.action === 'refused') ?? null,
    null,
    'who tried what they may not do isn’t of the mailbox',
  );
  const { json: audit } = await ask('GET', '/audit?limit=1000', { by: ADMIN });
  t.ok(
    audit.items.some(
      (entry: { action: string; actor: string }) =>
        entry.action === 'refused' && entry.actor === `delegate:${SECRETARY}`,
    ),
    'it is in the trail',
  );

  // Those of an account that is active: below.
  const elsewhere = ['acceptTerms', 'setAccountContact'];
  t.strictSame(
    OPERATIONS.map(({ id }) => id).filter((id) => !answered.has(id)),
    OPERATIONS.map(({ id }) => id).filter((id) => elsewhere.includes(id)),
    'every other operation was asked for',
  );
});

t.test('an active account: another address, new terms', async (t) => {
  const { ask, answered } = await apiSite(t, { config: CONFIG });
  // A delegate with a mailbox of their own needs no activation.
  await ask('POST', `/mailboxes/${MAILBOX}/delegations`, { by: DOCTOR, body: { delegate: OTHER_DOCTOR } });
  const account = '/accounts/me';
  t.match((await ask('GET', account, { by: OTHER_DOCTOR })).json, { state: 'active', ownMailbox: OTHER_MAILBOX });
  t.match((await ask('PUT', `${account}/contact`, { by: OTHER_DOCTOR, body: { contact: 'a@example.org' } })).json, {
    changed: true,
  });
  t.match((await ask('POST', `${account}/terms`, { by: OTHER_DOCTOR, body: { version: '1' } })).json, {
    code: 'MANDAT_TERMS',
  });
  t.match((await ask('POST', `${account}/terms`, { by: OTHER_DOCTOR, body: { version: '2' } })).json, {
    changed: true,
  });
  t.match((await ask('GET', `/accounts/${SECRETARY}`, { by: OTHER_DOCTOR })).json, {
    status: 403,
    code: 'MANDAT_ACTOR',
  });
  t.match((await ask('GET', `/accounts/${OTHER_DOCTOR}`, { by: ADMIN })).json, { accepted: { version: '2' } });
  t.ok(['acceptTerms', 'setAccountContact'].every((id) => answered.has(id)));
});

/** The code that waits in the outbox: nobody sends it here. */
function mailed(state: string): string {
  const database = new Database(state, { readonly: true });
  const code = database
    .prepare("SELECT json_extract(data, '$.code') FROM outbox WHERE kind = 'code' ORDER BY id DESC")
    .pluck();
  try {
    return String(code.get());
  } finally {
    database.close();
  }
}
