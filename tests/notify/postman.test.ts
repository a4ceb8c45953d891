/** The outbox on its way out, through a real SMTP server: told at least once, twice only where an answer was lost. R24. */
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { openPostman, type PostmanOptions } from '../../bridge/notify/postman.ts';
import { Failure } from '../../bridge/shared/failure.ts';
import { enqueue, listNotices, type NewNotice, type StoredNotice } from '../../bridge/store/state/outbox.ts';
import { openStateDb, type StateDb } from '../../bridge/store/state/state-db.ts';
import { makeCertificate } from '../../config/lab/certificate.ts';
import { reservePorts } from '../../config/lab/ports.ts';
import type { Config } from '../../config/schema.ts';
import { freshState } from '../store/fresh.ts';
import { until } from '../store/until.ts';
import { type Answer, addressesIn, type Mail, type Sink, startSink } from './sink.ts';
import { DATA, SETTINGS } from './stored.ts';

const CONTACT = 'bob.private@elsewhere.test';
const QUICK = { retryMinMs: 20, retryMaxMs: 40, giveUpMs: 60_000 };

const notice = (more: Partial<NewNotice> = {}): NewNotice => ({
  event: 'grant 17 2026-11-25T03:05:00.000Z',
  kind: 'grant',
  part: 'delegate',
  subject: 'bob',
  mailbox: DATA.mailbox,
  recipient: CONTACT,
  language: 'fr',
  data: DATA,
  ...more,
});

interface Post {
  readonly state: StateDb;
  readonly sink: Sink;
  readonly log: () => string;
  readonly ends: readonly string[];
  put(...notices: readonly NewNotice[]): Promise<void>;
  all(): Promise<readonly StoredNotice[]>;
  /** Until none of them waits or is being sent. */
  done(): Promise<readonly StoredNotice[]>;
}

interface How {
  readonly answer?: (mail: Mail, count: number) => Answer;
  readonly sink?: Parameters<typeof startSink>[1];
  readonly settings?: Partial<NonNullable<Config['notices']>>;
  readonly options?: Partial<PostmanOptions>;
  /** What stands in the outbox when it starts. */
  readonly before?: (state: StateDb) => Promise<void>;
  /** Nothing listens. */
  readonly down?: boolean;
}

async function post(t: Test, how: How = {}): Promise<Post> {
  const state = await freshState(t);
  await how.before?.(state);
  const sink = await startSink(how.answer, how.sink);
  if (how.down === true) await sink.close();
  else t.teardown(() => sink.close());
  const lines: string[] = [];
  const ends: string[] = [];
  const config = {
    notices: {
      host: '127.0.0.1',
      port: sink.port,
      tls: 'none',
      passwordFile: `${t.testdirName}/smtp.secret`,
      language: 'fr',
      others: 'short',
      endingDays: 14,
      ...SETTINGS,
      ...how.settings,
    },
    policy: { timezone: 'Europe/Paris' },
    schedule: { pollIntervalMs: 1000 },
  } as unknown as Config;
  const now = () => new Date().toISOString();
  const postman = openPostman({
    config,
    env: {},
    state,
    now,
    log: pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) }),
    audit: async (said) => {
      for (const { action, mailbox, delegate, detail } of said)
        ends.push(`${action} ${mailbox} ${delegate} ${JSON.stringify(detail)}`);
    },
    patience: QUICK,
    ...how.options,
  });
  t.teardown(() => postman.stop());
  const all = () => listNotices(state);
  return {
    state,
    sink,
    log: () => lines.join(''),
    ends,
    put: async (...notices) => {
      await state.write((query) => enqueue({ query }, notices, now(), 'example.org'));
      postman.wake();
    },
    all,
    done: async () => {
      const isOver = ({ state: how }: StoredNotice) => how !== 'waiting' && how !== 'sending';
      await until(async () => (await all()).every(isOver), 'all are done');
      return all();
    },
  };
}

t.test('a notice as it arrives', async (t) => {
  const { sink, put, done, log, ends } = await post(t);
  await put(notice(), notice({ part: 'owner', subject: DATA.mailbox, recipient: DATA.mailbox, language: 'en' }));
  const [first] = await done();
  const [delegate, owner] = sink.mails;
  t.same(delegate?.envelope, { from: SETTINGS.from, to: [CONTACT] });
  t.same(addressesIn(delegate?.parsed.from), [`<${SETTINGS.from}>`]);
  t.same(addressesIn(delegate?.parsed.to), [`<${CONTACT}>`]);
  t.equal(delegate?.parsed.subject, `Accès en délégation à la BAL ${DATA.mailbox}`, 'encoded, and read back');
  t.equal(delegate?.parsed.messageId, first?.messageId);
  t.match(first?.messageId, /^<[0-9a-f-]{36}@example\.org>$/);
  t.equal(delegate?.parsed.headers.get('auto-submitted'), 'auto-generated');
  t.equal(delegate?.parsed.headers.get('content-language'), 'fr');
  for (const absent of ['sender', 'disposition-notification-to', 'return-receipt-to', 'cc', 'bcc', 'reply-to']) {
    t.notOk(delegate?.parsed.headers.has(absent), absent);
  }
  t.match(delegate?.parsed.text, /Le titulaire de la BAL .* vous a donné accès en délégation/);
  t.match(delegate?.parsed.html, /<p>Le titulaire de la BAL .* vous a donné accès en délégation/);
  const [why] = [delegate?.parsed.text?.split('\n').find((line) => line.includes('Aide'))];
  t.equal(why, `Aide\u00a0: ${SETTINGS.helpUrl}`, 'a blank that breaks no line arrives as one');
  t.match(delegate?.raw, /Content-Type: text\/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable/);
  t.notMatch(delegate?.raw, /[^\t\r\n -~]/, 'every octet is ASCII on the way');
  t.match(owner?.parsed.text, /can now read, file, delete and send mail on behalf of/);
  t.equal(sink.connections(), 1, 'one connection for all of a moment');
  t.equal(first?.state, 'sent');
  t.match(first?.sentAt, /Z$/);
  t.same(
    ends,
    ['delegate', 'owner'].map(
      (part) => `notice-sent ${DATA.mailbox} ${DATA.identifier} {"kind":"grant","part":"${part}"}`,
    ),
    'for the audit trail: to whom, never at which address',
  );
  t.notMatch(log(), /elsewhere\.test|Martin/, 'no contact address in a log, no name');
});

t.test('names can inject neither headers nor markup', async (t) => {
  const { sink, put, done } = await post(t);
  const evil = 'x\r\nBcc: all@example.org\r\nContent-Type: text/plain\r\n\r\n<script>alert(1)</script>\u202e';
  await put(notice({ data: { ...DATA, firstName: evil, lastName: evil, profession: evil, mailbox: evil } }));
  await done();
  const [mail] = sink.mails;
  const headers = (mail?.raw ?? '').split('\r\n\r\n')[0] ?? '';
  t.notMatch(headers, /^(bcc|content-type: text\/plain)/im);
  t.match(headers, /^Content-Type: multipart\/alternative/m);
  t.same(mail?.envelope.to, [CONTACT]);
  t.same(addressesIn(mail?.parsed.to), [`<${CONTACT}>`]);
  t.notMatch(mail?.parsed.html, /<script/);
  t.match(mail?.parsed.html, /&lt;script&gt;/);
  t.notMatch(`${mail?.parsed.subject}${mail?.parsed.text}`, /\u202e|\r/);
});

t.test('not now, then taken: sent once, after a while', async (t) => {
  const { sink, put, done, ends } = await post(t, { answer: (_, count) => (count === 1 ? 451 : 'taken') });
  await put(notice());
  const [sent] = await done();
  t.match(sent, { state: 'sent', attempts: 2, error: null });
  t.equal(sink.mails.length, 2);
  t.match(ends, [/^notice-sent/]);
  t.equal(ends.length, 1);
});

t.test('refused for good: failed at once, and the others go', async (t) => {
  const { sink, put, done, log, ends } = await post(t, {
    answer: ({ envelope }) => (envelope.to[0] === CONTACT ? 550 : 'taken'),
  });
  await put(notice(), notice({ subject: 'carol', recipient: 'carol@elsewhere.test' }));
  const [refused, taken] = await done();
  t.match(refused, { state: 'failed', attempts: 1, error: /refused it: .*550 no, not to <?\(address\)/ });
  t.equal(taken?.state, 'sent');
  t.equal(sink.mails.length, 2);
  t.match(ends, [/^notice-failed/, /^notice-sent/]);
  t.match(log(), /"level":50.*could not be sent/);
  t.notMatch(
    `${log()}${refused?.error}`,
    /elsewhere\.test/,
    "the server's answer repeats the address, the log doesn't",
  );
});

t.test('a recipient refused at RCPT TO', async (t) => {
  const { put, done } = await post(t, {
    sink: {
      onRcptTo: (_to, _session, callback) => callback(Object.assign(new Error('unknown'), { responseCode: 550 })),
    },
  });
  await put(notice());
  t.match((await done())[0], { state: 'failed', attempts: 1 });
});

t.test('the answer to the final dot is lost: told again, under the same Message-ID', async (t) => {
  const { sink, put, done } = await post(t, { answer: (_, count) => (count === 1 ? 'cut' : 'taken') });
  await put(notice());
  t.match((await done())[0], { state: 'sent', attempts: 2 });
  t.equal(sink.mails.length, 2);
  t.equal(new Set(sink.mails.map(({ parsed }) => parsed.messageId)).size, 1);
});

t.test('found as being sent when the sidecar starts: sent again, under the same Message-ID', async (t) => {
  let messageId: string | undefined;
  const { sink, done } = await post(t, {
    before: async (state) => {
      await state.write((query) => enqueue({ query }, [notice()], new Date().toISOString(), 'example.org'));
      await state.query.updateTable('outbox').set({ state: 'sending', attempts: 1 }).execute();
      messageId = (await listNotices(state))[0]?.messageId;
    },
  });
  t.match((await done())[0], { state: 'sent', attempts: 2 });
  t.equal(sink.mails[0]?.parsed.messageId, messageId);
});

t.test('stopped with a notice in hand, and another sidecar sends them when it wakes', async (t) => {
  let asked = 0;
  let state: StateDb | undefined;
  const { sink, put, all } = await post(t, {
    before: async (one) => {
      state = one;
    },
    options: {
      mine: async () => asked < 2,
      sure: async () => {
        asked++;
        const sent = state?.query
          .updateTable('outbox')
          .set(({ eb }) => ({ state: 'sent', attempts: eb('attempts', '+', 1) }));
        if (asked === 1) await sent?.where('state', '=', 'sending').execute();
        throw new Failure('retry', 'another sidecar has taken over', '');
      },
    },
  });
  await put(notice(), notice({ part: 'owner', subject: DATA.mailbox, recipient: DATA.mailbox }));
  const states = async () => (await all()).map((one) => one.state).join();
  await until(
    async () => asked === 2 && (await states()) === 'sent,waiting',
    'one was sent by the other, one is left to it',
  );
  t.equal(sink.mails.length, 0);
});

t.test('it is committed as being sent before the server hears of it', async (t) => {
  let during: string | undefined;
  const made: { state?: StateDb } = {};
  const { put, done, state } = await post(t, {
    sink: {
      onMailFrom: (_from, _session, callback) => {
        void listNotices(made.state as StateDb).then(([one]) => {
          during = one?.state;
          callback();
        });
      },
    },
  });
  made.state = state;
  await put(notice());
  await done();
  t.equal(during, 'sending');
});

t.test('a server that is down: they wait, one attempt a round, and go when it is back', async (t) => {
  const [port = 0] = (await reserved(t)).ports;
  const { put, all, done, log } = await post(t, { settings: { port } });
  await put(notice(), notice({ subject: 'carol', recipient: 'carol@elsewhere.test' }));
  await until(async () => (await all()).some(({ attempts }) => attempts >= 3), 'it has been tried');
  t.same(new Set((await all()).map(({ state: how }) => how)).has('failed'), false);
  t.match((await all())[0]?.error, /can't be reached/);
  t.match(log(), /"level":40/);
  const sink = await startSink(undefined, { port });
  t.teardown(() => sink.close());
  t.same(
    (await done()).map(({ state: how }) => how),
    ['sent', 'sent'],
  );
  t.equal(sink.mails.length, 2);
});

/** Apart from the databases' own. */
async function folder(t: Test): Promise<string> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'mandat-post-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function reserved(t: Test) {
  const reservation = await reservePorts(1);
  await reservation.release(); // nobody listens there now
  t.teardown(() => reservation.release());
  return reservation;
}

t.test('given up after its time, those that were never tried too', async (t) => {
  const { put, done, ends } = await post(t, { down: true, options: { patience: { ...QUICK, giveUpMs: 200 } } });
  await put(notice(), notice({ subject: 'carol', recipient: 'carol@elsewhere.test' }));
  t.same(
    (await done()).map(({ state: how }) => how),
    ['failed', 'failed'],
  );
  t.match(ends, [/^notice-failed/, /^notice-failed/]);
});

t.test('a code is wiped once it is sent, or was refused; one whose time is over is not sent', async (t) => {
  const { sink, put, done } = await post(t, { answer: ({ envelope }) => (envelope.to[0] === CONTACT ? 'taken' : 550) });
  const code = (subject: string, recipient: string) =>
    notice({
      event: `code ${subject}`,
      kind: 'code',
      part: 'account',
      subject,
      recipient,
      mailbox: null,
      data: { ...DATA, code: '481516', minutes: '60' },
    });
  await put(code('bob', CONTACT), code('carol', 'carol@elsewhere.test'));
  const [sent, failed] = await done();
  t.match(sink.mails[0]?.parsed.text, /^ {4}481516$/m);
  t.notMatch(sink.mails[0]?.parsed.subject, /481516/);
  t.match(
    [sent, failed],
    [
      { state: 'sent', data: {} },
      { state: 'failed', data: {} },
    ],
  );
  t.same(sent?.data, {});
  t.same(failed?.data, {});
  await put({ ...code('dave', CONTACT), data: { ...DATA, code: '234200', minutes: '0.00001' } });
  t.match((await done())[2], { state: 'failed', error: /expired/ });
  t.equal(sink.mails.length, 2);
});

t.test('a login, over TLS, with the secret from its file', async (t) => {
  const directory = await folder(t);
  const { certificate, key } = await makeCertificate(directory);
  writeFileSync(`${directory}/smtp.secret`, 'open sesame\n', { mode: 0o600 });
  const { sink, put, done } = await post(t, {
    sink: {
      cert: readFileSync(certificate, 'utf8'),
      key: readFileSync(key, 'utf8'),
      disabledCommands: [],
      authOptional: false,
      allowInsecureAuth: false,
      onAuth: ({ username, password }, _session, callback) =>
        password === 'open sesame' ? callback(null, { user: username ?? '' }) : callback(new Error('no')),
    },
    settings: {
      host: 'localhost',
      tls: 'starttls',
      caFile: certificate,
      user: 'mandat',
      passwordFile: `${directory}/smtp.secret`,
    },
  });
  await put(notice());
  t.equal((await done())[0]?.state, 'sent');
  t.match(sink.mails[0], { user: 'mandat', secure: true });
});

t.test('a certificate for another name: the name that is configured counts', async (t) => {
  for (const [serverName, state] of [
    ['localhost', 'sent'],
    ['mail.example.org', 'waiting'],
  ] as const) {
    const { certificate, key } = await makeCertificate(await folder(t));
    const { put, all, sink } = await post(t, {
      sink: { cert: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8'), disabledCommands: ['AUTH'] },
      settings: { host: '127.0.0.1', serverName, tls: 'starttls', caFile: certificate },
    });
    await put(notice());
    const tried = (one: StoredNotice | undefined) => one?.state === 'sent' || (one?.error ?? null) !== null;
    await until(async () => tried((await all())[0]), 'it was tried');
    const [one] = await all();
    t.equal(one?.state, state, serverName);
    t.equal(sink.mails.length, state === 'sent' ? 1 : 0);
    if (state === 'waiting') t.match(one?.error, /no TLS/);
  }
});

t.test('a login that is refused, a secret that is not there: everything waits, and nothing is lost', async (t) => {
  for (const [secret, error] of [
    ['wrong', /refused the login/],
    [undefined, /smtp\.secret/],
  ] as const) {
    await t.test(String(secret), async (t) => {
      const directory = await folder(t);
      if (secret !== undefined) writeFileSync(`${directory}/smtp.secret`, secret, { mode: 0o600 });
      const { put, all, sink } = await post(t, {
        sink: { authOptional: false, onAuth: (_auth, _session, callback) => callback(new Error('no')) },
        settings: { user: 'mandat', passwordFile: `${directory}/smtp.secret` },
      });
      await put(notice());
      await until(async () => (await all())[0]?.error !== null, 'it was tried');
      t.match((await all())[0], { state: 'waiting', error });
      t.equal(sink.mails.length, 0);
    });
  }
});

t.test('a server that does not offer STARTTLS is told nothing', async (t) => {
  const { put, all, sink } = await post(t, { settings: { tls: 'starttls' } });
  await put(notice());
  await until(async () => (await all())[0]?.error !== null, 'it was tried');
  t.match((await all())[0], { state: 'waiting', error: /TLS/ });
  t.equal(sink.mails.length, 0);
});

t.test('a server that never answers does not keep the sidecar from leaving', async (t) => {
  let asked = false;
  const state = await freshState(t);
  const sink = await startSink(undefined, {
    onMailFrom: () => {
      asked = true; // and no word more
    },
  });
  t.teardown(() => sink.close());
  const postman = openPostman({
    config: {
      notices: { host: '127.0.0.1', port: sink.port, tls: 'none', ...SETTINGS },
      policy: { timezone: 'UTC' },
      schedule: { pollIntervalMs: 1000 },
    } as unknown as Config,
    env: {},
    state,
    now: () => new Date().toISOString(),
    log: pino({ level: 'silent' }),
    audit: async () => {},
    patience: QUICK,
  });
  await state.write((query) => enqueue({ query }, [notice()], new Date().toISOString(), 'example.org'));
  postman.wake();
  await until(() => asked, 'it is being sent');
  await postman.stop();
  t.match((await listNotices(state))[0], { state: 'waiting', attempts: 1 }, 'to be told again');
});

t.test('what came to its end long ago is forgotten, address and all; what waits is not', async (t) => {
  const long = '2020-01-01T08:00:00.000Z';
  const { all, done } = await post(t, {
    before: async (state) => {
      const old = ['a', 'b', 'c', 'd'].map((subject) => notice({ subject }));
      await state.write((query) => enqueue({ query }, old, long, 'example.org'));
      for (const [id, how] of [
        [1, 'sent'],
        [2, 'failed'],
        [3, 'no-address'],
      ] as const) {
        await state.query.updateTable('outbox').set({ state: how }).where('id', '=', id).execute();
      }
    },
  });
  await until(async () => (await all()).length === 1, 'they are forgotten');
  t.match(await done(), [{ subject: 'd', state: 'sent' }]);
});

t.test('another process writes: it is heard of', async (t) => {
  const { state, sink, done } = await post(t);
  const other = openStateDb(state.file);
  t.teardown(() => other.close());
  await other.write((query) => enqueue({ query }, [notice()], new Date().toISOString(), 'example.org'));
  await done();
  t.equal(sink.mails.length, 1);
});
