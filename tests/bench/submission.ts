/** Messages a second through Postfix: straight, through the filter, and through an smtp-server that only passes on. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pino } from 'pino';
import { SMTPServer } from 'smtp-server';
import { chunksOf } from '../../bridge/submission/head.ts';
import { beginDelivery } from '../../bridge/submission/reinjection.ts';
import { startSubmission } from '../../bridge/submission/service.ts';
import type { SmtpOutcome } from '../../config/lab/raw-smtp.ts';
import { loadConfig } from '../../config/load.ts';
import { at, startSite } from '../servers/site.ts';
import { submissionAs } from '../servers/submission.ts';

export type Way = 'without' | 'pass-on' | 'filter';

export interface SubmissionFigure {
  readonly way: Way;
  readonly size: number;
  readonly connections: number;
  readonly perSecond: number;
  readonly medianMs: number;
  /** How much the process that filters, which is also the one that sends, has grown meanwhile. */
  readonly grownMb: number;
}

/** `loads`: size of a message in octets, connections, messages for each of them. */
export async function submissionFigures(
  loads: readonly { readonly size: number; readonly connections: number; readonly each: number }[],
): Promise<readonly SubmissionFigure[]> {
  const figures: SubmissionFigure[] = [];
  for (const way of ['without', 'pass-on', 'filter'] as const) {
    const site = await startSite({
      users: ['bob'],
      filter: way !== 'without',
      chroot: false,
      extraSubmission: 'sent_copy = "none"',
      extraMain: 'message_size_limit = 30000000\nmailbox_size_limit = 0\nvirtual_mailbox_limit = 0',
    });
    const between =
      way === 'filter' ? await filterOf(site.configFile) : way === 'pass-on' ? await passOn(site) : undefined;
    try {
      for (const load of loads) {
        const line = `${'x'.repeat(74)}\r\n`;
        const letter = `From: <${at('bob')}>\r\nSubject: x\r\n\r\n${line.repeat(Math.ceil(load.size / line.length))}`;
        const before = await resident();
        const took: number[] = [];
        const sessions = await Promise.all(Array.from({ length: load.connections }, () => submissionAs(site, 'bob')));
        const began = performance.now();
        await Promise.all(
          sessions.map(async (session) => {
            for (let sent = 0; sent < load.each; sent++) {
              const start = performance.now();
              const answer: SmtpOutcome = await session.sendMail(at('bob'), 'd@elsewhere.test', letter);
              if (answer.code !== 250) throw new Error(`${answer.code} ${answer.text}`);
              took.push(performance.now() - start);
            }
          }),
        );
        const seconds = (performance.now() - began) / 1000;
        for (const session of sessions) session.close();
        took.sort((one, other) => one - other);
        figures.push({
          way,
          size: load.size,
          connections: load.connections,
          perSecond: took.length / seconds,
          medianMs: took[Math.floor(took.length / 2)] ?? 0,
          grownMb: ((await resident()) - before) / 1e6,
        });
      }
    } finally {
      await between?.close();
      await site.stop();
    }
  }
  return figures;
}

const filterOf = (file: string) =>
  startSubmission(loadConfig({ path: file, env: {}, cwd: path.dirname(file) }), pino({ level: 'silent' }));

/** The floor: reads no header, asks no table. */
async function passOn(site: Awaited<ReturnType<typeof startSite>>) {
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    authOptional: true,
    useXForward: true,
    disableReverseLookup: true,
    onData: (stream, { envelope }, callback) => {
      const work = async () => {
        const mail = `MAIL FROM:<${envelope.mailFrom === false ? '' : envelope.mailFrom.address}>`;
        const recipients = envelope.rcptTo.map(({ address }) => `RCPT TO:<${address}>`);
        const delivery = await beginDelivery(
          site.lab.reinject,
          { xforward: [], mail, recipients },
          { replyMs: 90_000 },
        );
        const chunks = chunksOf(stream);
        for (let next = await chunks.next(); next.done !== true; next = await chunks.next())
          await delivery.write(next.value);
        await delivery.finish();
      };
      work().then(() => callback(), callback);
    },
  });
  const before = process.umask(0);
  await new Promise<void>((done) => server.listen(path.join(site.lab.directory, 'filter.sock'), done));
  process.umask(before);
  return { close: () => new Promise<void>((done) => server.close(() => done())) };
}

/** VmRSS, in bytes. */
async function resident(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}
