/** The LMTP listener by itself, as Postfix or somebody on the machine talks to it. With Postfix and Dovecot: tests/servers/submission-copy.test.ts. */
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { Failure } from '../../bridge/shared/failure.ts';
import type { KeepCopy, Kept } from '../../bridge/submission/copy.ts';
import { copyKey, copyTicket, writtenTicket } from '../../bridge/submission/copy-address.ts';
import { copyServer, LARGEST_COPY } from '../../bridge/submission/copy-listener.ts';
import { connectSmtp, type RawSmtp } from '../../config/lab/raw-smtp.ts';
import { until } from '../store/until.ts';

const DOMAIN = 'mandat-copy.invalid';
const ticket = () =>
  copyTicket(copyKey(Buffer.alloc(32)), { mailboxId: 1, messageId: '<a@lab.test>', sentAt: new Date() });
const address = (domain = DOMAIN) => `${writtenTicket(ticket())}@${domain}`;
const MESSAGE = 'Message-ID: <a@lab.test>\r\n\r\n..two dots\r\n.\r\n';

/** A listener with this keeper, and how to connect to it. */
async function listener(t: Test, keep: KeepCopy, delayMs = 0) {
  const server = copyServer({ domain: DOMAIN, delayMs, keep });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.on('error', () => {});
  t.teardown(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const { port } = server.server.address() as AddressInfo;
  return async (): Promise<RawSmtp> => {
    const smtp = await connectSmtp({ host: '127.0.0.1', port });
    t.teardown(() => smtp.close());
    await smtp.command('LHLO mx.lab.test');
    return smtp;
  };
}

async function bring(smtp: RawSmtp, to: string, message = MESSAGE, from = 'MAIL FROM:<alice@lab.test>') {
  for (const line of [from, `RCPT TO:<${to}>`, 'DATA']) {
    const { code, text } = await smtp.command(line);
    if (code >= 400) return { at: line.slice(0, 4), code, text };
  }
  return { at: 'done', ...(await smtp.dataBytes(message)) };
}

t.test('what becomes of a copy is what Postfix hears', async (t) => {
  let kept: Kept = { kind: 'stored' };
  const seen: string[] = [];
  const connect = await listener(t, async (_, message) => {
    seen.push(message.toString());
    return kept;
  });
  const smtp = await connect();
  const failed = (failure: Failure, forGood = false): Kept => ({ kind: 'failed', failure, forGood });
  const rows: readonly (readonly [Kept, number, RegExp])[] = [
    [{ kind: 'stored' }, 250, /^2\.0\.0 stored$/],
    [{ kind: 'there' }, 250, /^2\.0\.0 it is there already$/],
    [
      failed(new Failure('retry', 'the mailbox is full', 'make room', { rule: 'OVERQUOTA' })),
      451,
      /^4\.2\.2 .*full; make/,
    ],
    [failed(new Failure('retry', 'the server is away')), 451, /^4\.3\.0 the server is away$/],
    [failed(new Failure('internal', 'x\r\n250 y')), 451, /^4\.3\.0 x\?250 y$/],
    [failed(new Failure('config', 'no', '', { rule: 'TOOBIG' }), true), 550, /^5\.3\.4/],
    [failed(new Failure('absent', 'gone'), true), 550, /^5\.1\.1/],
    [failed(new Failure('refused', 'not ours'), true), 550, /^5\.7\.1/],
  ];
  for (const [outcome, code, text] of rows) {
    kept = outcome;
    t.match(await bring(smtp, address()), { at: 'done', code, text });
  }
  t.equal(seen[0], 'Message-ID: <a@lab.test>\r\n\r\n.two dots\r\n', 'the message as it was');
  t.match(await bring(smtp, address(DOMAIN.toUpperCase())), { code: 550, text: /^5\.7\.1/ }, 'a domain has no case');
});

t.test('a defect of ours is no reason to lose a copy', async (t) => {
  const connect = await listener(t, async () => {
    throw new Error('a defect');
  });
  t.match(await bring(await connect(), address()), { at: 'done', code: 451, text: /^4\.3\.0/ });
});

t.test('only what can be a ticket is let in, one at a time, and not too much of it', async (t) => {
  let count = 0;
  const connect = await listener(t, async () => {
    count++;
    return { kind: 'stored' };
  });
  const smtp = await connect();
  for (const to of ['alice@lab.test', `alice@${DOMAIN}`, address('lab.test'), `1.2.3.4@${DOMAIN}`]) {
    t.match(await bring(smtp, to), { at: 'RCPT', code: 550, text: /^5\.1\.1/ }, to);
    await smtp.command('RSET');
  }
  t.match(await bring(smtp, address(), MESSAGE, `MAIL FROM:<a@b.test> SIZE=${LARGEST_COPY + 1}`), {
    at: 'MAIL',
    code: 552,
  });
  await smtp.command('MAIL FROM:<a@b.test>');
  await smtp.command(`RCPT TO:<${address()}>`);
  t.match(await smtp.command(`RCPT TO:<${address()}>`), { code: 452 }, 'a second one');
  t.equal((await smtp.command('AUTH PLAIN AGEAYg==')).code, 500);
  t.equal(count, 0);
});

t.test('half a message is none', async (t) => {
  let count = 0;
  const connect = await listener(t, async () => {
    count++;
    return { kind: 'stored' };
  });
  const smtp = await connect();
  for (const line of ['MAIL FROM:<a@b.test>', `RCPT TO:<${address()}>`, 'DATA']) await smtp.command(line);
  void smtp.dataBytes('Message-ID: <a@lab.test>\r\n\r\nhalf').catch(() => {});
  smtp.close();
  t.match(await bring(await connect(), address()), { code: 250 });
  t.equal(count, 1);
});

t.test('messages in hand are bounded: a large one waits for its turn', async (t) => {
  let inHand = 0;
  let most = 0;
  let go: () => void = () => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const connect = await listener(t, async () => {
    most = Math.max(most, ++inHand);
    await gate;
    inHand--;
    return { kind: 'stored' };
  });
  const sessions = await Promise.all([connect(), connect(), connect()]);
  const large = `MAIL FROM:<a@b.test> SIZE=${30 * 1024 * 1024}`;
  const answers = sessions.map((smtp) => bring(smtp, address(), MESSAGE, large));
  await until(() => most === 2, 'two are in hand');
  go();
  t.same(
    (await Promise.all(answers)).map(({ code }) => code),
    [250, 250, 250],
  );
  t.equal(most, 2);
});

t.test('a copy waits for its moment, and no longer', async (t) => {
  const at = (sentAt: Date) =>
    `${writtenTicket(copyTicket(copyKey(Buffer.alloc(32)), { mailboxId: 1, messageId: undefined, sentAt }))}@${DOMAIN}`;
  const sentAt = new Date();
  let keptAt = 0;
  const soon = await listener(
    t,
    async () => {
      keptAt = Date.now();
      return { kind: 'stored' };
    },
    300,
  );
  t.match(await bring(await soon(), at(sentAt)), { code: 250 });
  t.ok(keptAt >= sentAt.getTime() + 300, 'it waited');
  t.match(
    await bring(await soon(), at(new Date(Date.now() + 86_400_000))),
    { code: 250 },
    'a clock ahead: not for a day',
  );

  const patient = await listener(t, async () => ({ kind: 'stored' }), 3_600_000);
  t.match(await bring(await patient(), at(new Date(0))), { code: 250 }, 'its moment is past: not at all');
});
