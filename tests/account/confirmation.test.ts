/** Codes: what they change, how often they may be wrong, until when, and what a crash in between leaves to be mended. R41, R43, R44, R51. */
import t, { type Test } from 'tap';
import { codeMac, readCode } from '../../bridge/account/code.ts';
import { askForCode, cancelCode, confirmCode, type Office } from '../../bridge/account/confirmation.ts';
import { Failure } from '../../bridge/shared/failure.ts';
import { eraseAccounts } from '../../bridge/store/state/account-erasure.ts';
import { setFact } from '../../bridge/store/state/facts.ts';
import { accountOf, askContact, setOptOut, settleRequest, tryCode } from '../../bridge/store/state/private-accounts.ts';
import { accountHolder, activateHolder, endHolder } from '../../bridge/store/table/account-holders.ts';
import { addDelegate, setDelegate } from '../../bridge/store/table/delegates.ts';
import { sealKey } from '../../bridge/store/trail/sealing.ts';
import { parseConfig } from '../../config/parse.ts';
import { failure } from '../store/failures.ts';
import { freshFiles, openState, openTable } from '../store/fresh.ts';

const WRITER = { actor: 'delegate:bob' };
const NOW = () => new Date().toISOString();
const refusedAs = async (work: () => unknown) => (await failure(work)).rule;

async function office(t: Test, accounts = 'code_tries = 3') {
  const files = freshFiles(t);
  const table = openTable(t, files);
  const state = openState(t, files);
  const config = parseConfig(
    `[accounts]\nterms_version = "7"\n${accounts}\n[notices]\nfrom = "mandat@lab.test"`,
    '/mandat.toml',
  );
  if (config.accounts === undefined || config.notices === undefined) throw new Error('no accounts');
  const here: Office = {
    table,
    state,
    key: sealKey(files.sealKey),
    writer: WRITER,
    accounts: config.accounts,
    notices: config.notices,
  };
  for (const name of ['bob', 'carol']) await addDelegate(table, WRITER, name, {}, { activation: true });
  const bob = () => accountHolder(table, 'bob', NOW());
  const ask = async (contact: string, terms: string | null = '7') =>
    askForCode(here, await bob(), { contact, terms, language: undefined });
  const mails = () => state.query.selectFrom('outbox').selectAll().orderBy('id').execute();
  const code = async () => (JSON.parse((await mails()).at(-1)?.data ?? '{}') as { code: string }).code;
  const other = async () => (await code()).replace(/./g, (digit) => String((Number(digit) + 1) % 10));
  const confirm = async (typed: string) => confirmCode(here, await bob(), typed);
  const rule = async (typed: string) => {
    const error = await confirm(typed).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    return error instanceof Failure ? `${error.rule}: ${error.message}` : error;
  };
  const events = async () => (await table.query.selectFrom('events').select(['action', 'detail']).execute()).slice(2);
  return { ...here, files, bob, ask, mails, code, other, confirm, rule, events };
}

t.test('activation: nothing changes until the code is typed', async (t) => {
  const here = await office(t);
  const before = await here.bob();
  t.equal(before.state, 'pending');
  await here.ask('Bob@example.org');
  t.match(await here.bob(), { state: 'pending', termsVersion: null });
  t.match(await accountOf(here.state, before.id), {
    contact: null,
    request: { contact: 'Bob@example.org', triesLeft: 3 },
  });
  t.match(await here.mails(), [
    { kind: 'code', part: 'account', subject: 'bob', recipient: 'Bob@example.org', language: 'fr', state: 'waiting' },
  ]);
  t.match(JSON.parse((await here.mails())[0]?.data ?? ''), { code: /^\d{8}$/, minutes: '60', identifier: 'bob' });
  const stored = JSON.stringify(await here.state.query.selectFrom('accounts').selectAll().execute());
  t.notMatch(stored, await here.code(), 'the code itself stands with no account');

  t.match(await here.confirm(await here.code()), { contact: 'Bob@example.org', activated: true });
  t.match(await here.bob(), { state: 'active', termsVersion: '7', termsAt: /^20/ });
  t.match(await accountOf(here.state, before.id), {
    contact: 'Bob@example.org',
    contactSince: /^20/,
    request: undefined,
  });
  t.equal((await here.mails())[0]?.state, undefined, 'a code that was typed is not mailed any more');
  t.match(await here.rule('00000000'), /^MANDAT_NO_REQUEST/, 'once');
  const events = await here.events();
  t.same(
    events.map(({ action }) => action),
    ['account-code', 'terms-accepted', 'delegate-set', 'account-contact'],
  );
  t.notMatch(JSON.stringify(events), /example\.org/, 'no address in the trail');
});

t.test('wrong codes are counted, and then the request is gone', async (t) => {
  const here = await office(t);
  await here.ask('bob@example.org');
  const right = await here.code();
  t.match(await here.rule(await here.other()), /^MANDAT_CODE: .*; 2 tries are left$/);
  t.match(await here.rule(await here.other()), /1 try is left$/);
  t.match(await here.rule(await here.other()), /once too often: the request is gone/);
  t.match(await here.rule(right), /^MANDAT_NO_REQUEST/, 'the right one comes too late');
  t.match(await here.bob(), { state: 'pending' });
  t.same(await here.mails(), [], 'and its mail is not sent any more');
  t.match((await here.events()).at(-1), { action: 'account-code-refused', detail: /"left":0/ });

  await here.ask('bob@example.org');
  t.equal(
    await here.rule(right),
    'MANDAT_CODE: bob: this is not the code that was mailed; 2 tries are left',
    'of another request',
  );
  t.match(await here.confirm(await here.code()), { activated: true });
});

t.test('two at the same moment are two tries', async (t) => {
  const here = await office(t, 'code_tries = 2');
  await here.ask('bob@example.org');
  const wrong = await here.other();
  const said = await Promise.all([here.rule(wrong), here.rule(wrong), here.rule(wrong)]);
  t.same(said.map((one) => String(one).split(':')[0]).sort(), ['MANDAT_CODE', 'MANDAT_CODE', 'MANDAT_NO_REQUEST']);
});

t.test('a code has its time, by the highest ever seen', async (t) => {
  const here = await office(t, 'code_minutes = 1');
  await here.ask('bob@example.org');
  const right = await here.code();
  await setFact(here.state, 'clock', new Date(Date.now() + 61_000).toISOString());
  t.match(await here.rule(right), /^MANDAT_CODE_EXPIRED/);
  t.match(await here.rule(right), /^MANDAT_NO_REQUEST/);
  t.match(await here.bob(), { state: 'pending' });
});

t.test('a request whose time is over is forgotten by the next sweep, and its mail with it', async (t) => {
  const here = await office(t, 'code_minutes = 1');
  await here.ask('bob@example.org');
  const { id } = await here.bob();
  t.equal(await eraseAccounts(here.table, here.state, NOW()), 0);
  t.not((await accountOf(here.state, id)).request, undefined, 'its time is not over');
  await eraseAccounts(here.table, here.state, new Date(Date.now() + 61_000).toISOString());
  t.equal((await accountOf(here.state, id)).request, undefined);
  t.same(await here.mails(), []);
});

t.test('a new request makes the code before worth nothing; cancelling leaves everything as it was', async (t) => {
  const here = await office(t);
  await here.ask('one@example.org');
  const first = await here.code();
  await here.ask('two@example.org');
  t.same(
    (await here.mails()).map(({ recipient }) => recipient),
    ['two@example.org'],
    'the first is not mailed any more',
  );
  t.match(await here.rule(first), /^MANDAT_CODE:/);
  const before = await here.bob();
  t.ok(await cancelCode(here, before));
  t.notOk(await cancelCode(here, before), 'nothing waits');
  t.match(await here.rule('00000000'), /^MANDAT_NO_REQUEST/);
  t.same(await here.bob(), before);
  t.same(await here.mails(), []);
});

t.test('five codes in an hour, and no more', async (t) => {
  const here = await office(t, 'code_minutes = 120');
  for (let n = 1; n <= 5; n++) await here.ask(`bob${n}@example.org`);
  const fifth = await here.code();
  const mailed = await here.mails();
  const error = await failure(() => here.ask('bob6@example.org'));
  t.match(error, { code: 'refused', rule: 'MANDAT_CODES', message: /^bob: too many codes/, hint: /from \d{4}-.*Z on/ });
  t.same(await here.mails(), mailed, 'nothing is mailed');
  t.same((await here.events()).at(-1), { action: 'account-code-refused', detail: '{"why":"too-many"}' });
  t.match(await here.confirm(fifth), { contact: 'bob5@example.org' }, 'the last one counts');
  await setFact(here.state, 'clock', new Date(Date.now() + 3_601_000).toISOString());
  await here.ask('bob7@example.org', null);
  t.match((await here.mails()).at(-1), { recipient: 'bob7@example.org' }, 'after an hour again');
});

t.test('another address: the old one hears of it', async (t) => {
  const here = await office(t);
  await here.ask('old@example.org');
  await here.confirm(await here.code());
  const { id } = await here.bob();
  await here.ask('new@example.org', null);
  t.equal((await accountOf(here.state, id)).contact, 'old@example.org', 'until it is confirmed');
  t.match(await here.confirm(await here.code()), { contact: 'new@example.org', activated: false });
  t.match(await here.mails(), [
    { kind: 'contact-changed', recipient: 'old@example.org', part: 'account', subject: 'bob' },
  ]);
  t.notMatch((await here.mails())[0]?.data, /new@example/, 'and not where they went');
  t.match(await here.bob(), { state: 'active', termsVersion: '7' });
  t.match((await here.events()).at(-1), { action: 'account-contact', detail: null });
});

t.test('what a crash leaves undone, the same code mends', async (t) => {
  for (const crashed of ['after the address', 'after the terms'] as const) {
    const here = await office(t);
    await here.ask('bob@example.org');
    const code = await here.code();
    const bob = await here.bob();
    const never = () => {
      throw new Error('there was no address before');
    };
    t.match(await tryCode(here.state, bob, () => true, never, NOW(), 'lab.test'), { kind: 'right' });
    if (crashed === 'after the terms') await activateHolder(here.table, WRITER, bob, '7', NOW());
    t.match(await accountOf(here.state, bob.id), { contact: 'bob@example.org', request: { triesLeft: 3 } }, crashed);
    t.match(await here.confirm(code), { activated: true });
    t.match(await here.bob(), { state: 'active', termsVersion: '7' });
    t.match(await accountOf(here.state, bob.id), { contact: 'bob@example.org', request: undefined });
  }
});

t.test('a request that came meanwhile stays', async (t) => {
  const here = await office(t);
  await here.ask('one@example.org');
  const { id } = await here.bob();
  const first = (await accountOf(here.state, id)).request;
  await here.ask('two@example.org');
  if (first === undefined) throw new Error('no request');
  await settleRequest(here.state, await here.bob(), first);
  t.match(await accountOf(here.state, id), { request: { contact: 'two@example.org' } });
});

t.test('suspended meanwhile: not activated, and pending again afterwards', async (t) => {
  const here = await office(t);
  await here.ask('bob@example.org');
  await setDelegate(here.table, WRITER, 'bob', { state: 'suspended' }, { activation: true });
  t.match(await here.rule(await here.code()), /^MANDAT_SUSPENDED/);
  await setDelegate(here.table, WRITER, 'bob', { state: 'active' }, { activation: true });
  t.match(await here.bob(), { state: 'pending' }, 'what they were before');
  t.equal(
    await refusedAs(() => setDelegate(here.table, WRITER, 'bob', { state: 'active' }, { activation: true })),
    'MANDAT_PENDING',
  );
  t.match(await here.confirm(await here.code()), { activated: true }, 'the code is still worth something');
  await setDelegate(here.table, WRITER, 'bob', { state: 'suspended' }, { activation: true });
  await setDelegate(here.table, WRITER, 'bob', { state: 'active' }, { activation: true });
  t.match(await here.bob(), { state: 'active' });
});

t.test('what is private goes with the account; what is somebody else’s stays', async (t) => {
  const here = await office(t);
  await here.ask('shared@example.org');
  await here.confirm(await here.code());
  await here.ask('bob@example.org', null);
  await here.confirm(await here.code());
  await setOptOut(here.state, await here.bob(), 'surveys', true);
  t.match(await accountOf(here.state, (await here.bob()).id), { refusesSurveys: true, refusesNewsletters: false });
  const carol = await accountHolder(here.table, 'carol', NOW());
  const asked = {
    contact: 'shared@example.org',
    terms: null,
    language: null,
    mac: '00',
    expiresAt: NOW(),
    triesLeft: 1,
  };
  const notice = {
    event: 'x',
    kind: 'grant',
    part: 'delegate',
    mailbox: null,
    language: 'fr',
    data: {},
  } as const;
  await askContact(
    here.state,
    carol,
    asked,
    { ...notice, subject: 'carol', recipient: 'shared@example.org' },
    NOW(),
    'x',
  );
  await askContact(
    here.state,
    await here.bob(),
    asked,
    { ...notice, subject: 'bob', recipient: 'bob@example.org' },
    NOW(),
    'x',
  );
  t.equal(await eraseAccounts(here.table, here.state, NOW()), 0, 'nobody has gone');
  await endHolder(here.table, WRITER, await here.bob());
  t.equal(await eraseAccounts(here.table, here.state, NOW()), 1);
  const everything = JSON.stringify([
    await here.mails(),
    await here.state.query.selectFrom('accounts').selectAll().execute(),
  ]);
  t.notMatch(everything, /bob@example/);
  t.match(everything, /"recipient":"shared@example\.org"/, 'to whom it still belongs');
  t.match(await here.bob(), { state: 'ended', termsVersion: '7' }, 'which terms they had accepted stays');
  t.equal(await refusedAs(() => setDelegate(here.table, WRITER, 'bob', { state: 'active' })), 'MANDAT_ENDED');
  await here.table.write(WRITER, (query) => query.deleteFrom('delegate').execute());
  t.equal(await eraseAccounts(here.table, here.state, NOW()), 1, 'whoever was deleted by another program');
});

t.test('codes as people type them', async (t) => {
  for (const [typed, code] of [
    ['12345678', '12345678'],
    [' 1234 5678\n', '12345678'],
    ['1234567', undefined],
    ['123456789', undefined],
    ['1234567x', undefined],
    ['١٢٣٤٥٦٧٨', undefined],
    ['', undefined],
  ] as const)
    t.equal(readCode(typed), code, typed);
});

t.test('a code is worth something for this delegate, this address and this time only', async (t) => {
  const key = Buffer.alloc(32, 7);
  const subject = { delegateId: 1, contact: 'bob@example.org', expiresAt: '2026-11-30T08:00:00.000Z' };
  const mac = (change: Partial<typeof subject>) => codeMac(key, { ...subject, ...change }, '12345678');
  t.equal(mac({}), mac({}), 'the same is the same');
  t.not(mac({ delegateId: 2 }), mac({}), 'another delegate');
  t.not(mac({ contact: 'zoe@example.org' }), mac({}), 'another address');
  t.not(mac({ expiresAt: '2026-12-30T08:00:00.000Z' }), mac({}), 'another time');
});
