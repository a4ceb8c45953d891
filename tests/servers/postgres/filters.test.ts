/**
 * With table and record in PostgreSQL: a message from the delegate's client to the owner's Sent, the trail and the notice; and two filters on one
 * database, each with the role that reaches nothing else, one of them killed in the middle of a message.
 */
import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { dataFiles } from '../../../bridge/store/files/data-files.ts';
import { startPostgresql } from '../../../config/lab/postgresql.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import { must } from '../../cli/desk.ts';
import { type Lasting, lasting } from '../../cli/lasting.ts';
import { mandatAt } from '../../cli/warm.ts';
import { badOf, examined, postfixDirectory } from '../../doctor/breakage.ts';
import { scrape } from '../../health/scrape.ts';
import { addressesIn, startSink } from '../../notify/sink.ts';
import { configOf } from '../inside.ts';
import { at, password, type Site, startSite } from '../site.ts';
import { keepsSitesIn } from '../site-store.ts';
import { submissionAs } from '../submission.ts';

const OUT = 'patient@far.test';
const LIMIT_MS = 120_000;

const postgresql = await startPostgresql();
t.teardown(() => postgresql.stop());
const database = await postgresql.createDatabase();
const psql = (query: string) => postgresql.sql(database, query);
await psql(`CREATE ROLE mandat LOGIN CREATEROLE PASSWORD 'pw-mandat'; ALTER DATABASE ${database} OWNER TO mandat;
  CREATE ROLE mandat_filter LOGIN PASSWORD 'pw-filter'`);
keepsSitesIn(async ({ etc }) => {
  await writeFile(path.join(etc, 'database.secret'), 'pw-mandat\n', { mode: 0o600 });
  await writeFile(path.join(etc, 'filter.secret'), 'pw-filter\n', { mode: 0o600 });
  return {
    toml: `database = "postgres://mandat@127.0.0.1:${postgresql.port}/${database}"`,
    sql: async (query) => `${await psql(`SET search_path = mandat; ${query}`)}\n`,
  };
});
const sink = await startSink();
t.teardown(() => sink.close());

let site: Site;
t.before(async () => {
  site = await startSite({
    users: ['alice', 'bob', 'mandat'],
    chroot: false,
    filter: true,
    extraSubmission: 'copy_delay_seconds = 0\nprocess = "unit"\n',
    extraToml: `[health]\n[notices]\nport = ${sink.port}\ntls = "none"\nfrom = "${at('mandat')}"\npassword_file = "smtp.secret"\n`,
  });
  await writeFile(path.join(site.lab.directory, 'smtp.secret'), password('mandat'), { mode: 0o600 });
  await site.register('alice', 'bob');
  await (await lasting(t as never, site.configFile, 'run')).said('watching');
  await site.settled();
});
t.teardown(() => site?.stop());

/** As on a machine of its own: its data_dir has the key and nothing else, and its role is the filters'. */
function filterConfig(name: string, sockets: Readonly<Record<'listen' | 'copy_listen', string>>): string {
  const etc = path.dirname(site.configFile);
  const directory = path.join(site.lab.directory, name);
  const { sealKey } = dataFiles(directory);
  mkdirSync(directory, { mode: 0o750 });
  chmodSync(directory, 0o755);
  mkdirSync(path.dirname(sealKey), { mode: 0o700 });
  copyFileSync(dataFiles(site.lab.directory).sealKey, sealKey);
  let text = readFileSync(site.configFile, 'utf8');
  for (const [pattern, by] of [
    [/^data_dir = .*$/m, `data_dir = "${directory}"`],
    ['postgres://mandat@', 'postgres://mandat_filter@'],
    [/^database = .*$/m, '$&\ndatabase_password_file = "filter.secret"'],
    [/^listen = .*$/m, `listen = "${sockets.listen}"\nname = "${name}"`],
    [/^copy_listen = .*$/m, `copy_listen = "${sockets.copy_listen}"`],
    [/^\[health\]$/m, ''],
    ...(name === 'mail2' ? ([[/(?<key>\[imap\]\nport = )\d+/, '$<key>1']] as const) : []), // it reaches PostgreSQL alone
  ] as const)
    text = text.replace(pattern, by);
  const file = path.join(etc, `${name}.toml`);
  writeFileSync(file, text);
  return file;
}

const filters = new Map<string, { readonly file: string; readonly listen: string; process: Lasting }>();
async function start(name: string): Promise<Lasting> {
  const known = filters.get(name);
  const { submission } = configOf(site);
  const here = name === 'mail1' && submission;
  const listen = here ? submission.listen : path.join(site.lab.directory, `${name}.sock`);
  const copyListen = here ? submission.copyListen : path.join(site.lab.directory, `${name}-copy.sock`);
  const file = known?.file ?? filterConfig(name, { listen, copy_listen: copyListen });
  const process = await lasting(t as never, file, 'filter');
  await process.said('filtering submissions');
  filters.set(name, { file, listen, process });
  return process;
}
const filterAt = (name: string) => {
  const one = filters.get(name);
  if (one === undefined) throw new Error(`no filter ${name}`);
  return one;
};

const letter = (from: string, mark: string) =>
  `From: Dr Alice <${from}>\r\nMessage-ID: <${mark}@lab.test>\r\nTo: <${OUT}>\r\nSubject: secret\r\n\r\nBonjour\r\n`;
async function send(from: string, mark: string) {
  const session = await submissionAs(site, 'bob');
  try {
    return await session.sendMail(from, OUT, letter(from, mark));
  } finally {
    session.close();
  }
}
async function inSent(): Promise<readonly string[]> {
  const imap = await site.login('alice');
  await imap.command('SELECT Sent');
  const { lines } = await imap.command('FETCH 1:* (FLAGS BODY.PEEK[])');
  imap.close();
  return lines.filter((line) => / FETCH /.test(line));
}
const flush = () => promisify(execFile)('postqueue', ['-c', postfixDirectory(site), '-f']);
const outside = (mark: string) =>
  waitFor(`${mark} has left`, LIMIT_MS, async () => {
    for (const name of await readdir(site.lab.outside).catch(() => [])) {
      const text = await readFile(path.join(site.lab.outside, name), 'utf8');
      if (text.includes(`${mark}@lab.test`)) return text;
    }
    return undefined;
  });
const sends = async () =>
  (
    JSON.parse((await must(site.mandat('--json', 'audit', '--mailbox', at('alice')))).stdout) as readonly {
      action: string;
      detail: string;
      sealed: boolean;
    }[]
  ).filter(({ action }) => action.startsWith('send'));

/** Straight to a filter, as its own Postfix does; the answer to the message. */
async function talk(name: string, mark: string): Promise<string> {
  const socket = net.connect({ path: filterAt(name).listen });
  let heard = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    heard += text;
  });
  const until = (what: RegExp) =>
    waitFor(
      String(what),
      LIMIT_MS,
      () => what.exec(heard)?.[0],
      () => heard,
    );
  await until(/^220 /);
  const top = `Received: from c (unknown [127.0.0.1])\r\n\t(Authenticated sender: ${at('bob')})\r\n\tby mx2 (Postfix) with ESMTPA; Mon, 23 Nov 2026 08:00:00 +0000 (UTC)\r\n`;
  socket.write(`EHLO c\r\nMAIL FROM:<${at('alice')}>\r\nRCPT TO:<${OUT}>\r\nDATA\r\n`);
  await until(/^354 /m);
  socket.write(`${top}${letter(at('alice'), mark)}.\r\n`);
  const answer = await until(/(?<=354 [\s\S]*\r\n)\d{3} [^\r]*/);
  socket.destroy();
  return answer;
}

interface Status {
  readonly copies: readonly { readonly code: string | null }[];
  readonly filter: {
    readonly running: object | null;
    readonly filters: readonly { readonly name: string; readonly host: string; readonly running: boolean }[];
  };
}
const status = async () => {
  const { stdout, status: code } = await site.mandat('--json', 'status');
  return { ...(JSON.parse(stdout) as Status), code };
};

t.test('a message in the owner’s name: Sent, trail, notice; by a filter with the lesser role', async (t) => {
  await start('mail1');
  t.match(await send(at('alice'), 'before'), { code: 553 }, 'Postfix, by the map');
  await must(site.mandat('grant', at('alice'), at('bob')));
  await waitFor('the notice', LIMIT_MS, () =>
    sink.mails.some(({ parsed }) => String(addressesIn(parsed.to)).includes(at('alice'))),
  );
  const sent = await send(at('alice'), 'm1');
  t.equal(sent.code, 250, sent.text);
  const got = await outside('m1');
  const [copy = ''] = await waitFor('the copy', LIMIT_MS, async () => {
    const found = await inSent();
    return found.length === 1 && found;
  });
  for (const text of [got, copy]) {
    t.match(text, `From: Dr Alice <${at('alice')}>`);
    t.match(text, `Sender: <${at('bob')}>`);
  }
  t.match(copy, /\\Seen/);
  const [entry, ...more] = await waitFor('it is sealed', LIMIT_MS, async () => {
    const found = await sends();
    return found[0]?.sealed === true && found;
  });
  t.same(more, []);
  t.match(JSON.parse(entry?.detail ?? '{}'), { login: at('bob'), message_id: '<m1@lab.test>', recipients: 1 });
  t.notMatch(JSON.stringify(entry), /patient|secret/);
  t.match(await send(at('bob'), 'own'), { code: 250 }, 'for themselves');
  const forged = await submissionAs(site, 'bob');
  t.match(await forged.sendMail(at('bob'), OUT, letter('nobody@lab.test', 'forged')), { code: 550 });
  forged.close();
});

t.test('two filters: each has facts of its own, in status, doctor and metrics', async (t) => {
  await start('mail2');
  t.match(await talk('mail2', 'm2'), /^250 /);
  await outside('m2');
  const { filter } = await status();
  t.same(
    filter.filters.map(({ name, host, running }) => [name, host, running]),
    [
      ['mail1', os.hostname(), true],
      ['mail2', os.hostname(), true],
    ],
  );
  t.match((await examined(site)).get('submission filter'), {
    status: 'ok',
    seen: /filters of this server: mail1, mail2/,
  });
  const figures = async () => (await scrape(path.join(site.lab.directory, 'run/health.sock'))).values;
  const passed = (name: string) => `mandat_messages_total{filter="${name}",answer="passed"}`;
  let last: unknown[] = [];
  await waitFor(
    'each counts its own',
    LIMIT_MS,
    async () => {
      const values = await figures();
      last = [...values].filter(([name]) => /filter|messages/.test(name));
      return values.get(passed('mail1')) === 2 && values.get(passed('mail2')) === 1;
    },
    () => JSON.stringify(last),
  );
  const all = JSON.parse((await site.mandat('--json', 'status', '--all')).stdout);
  t.match(all.servers, [
    {
      filters: [
        { name: 'mail1', running: true },
        { name: 'mail2', running: true },
      ],
    },
  ]);
});

t.test(
  'one is killed in the middle of a message: its client keeps it, the other goes on, and it is said',
  async (t) => {
    const session = await submissionAs(site, 'bob');
    for (const line of [`MAIL FROM:<${at('alice')}>`, `RCPT TO:<${OUT}>`, 'DATA']) await session.command(line);
    const { process: killed } = filterAt('mail1');
    killed.child.kill('SIGKILL');
    await killed.ended;
    const answer = await session.command(`${letter(at('alice'), 'cut')}.`);
    t.equal(Math.floor(answer.code / 100), 4, answer.text);
    session.close();
    t.match(await talk('mail2', 'm3'), /^250 /, 'the other one');
    const down = await status();
    t.equal(down.code, 1);
    t.same(
      down.filter.filters.map(({ name, running }) => [name, running]),
      [
        ['mail1', false],
        ['mail2', true],
      ],
    );
    t.match(
      (await site.mandat('status')).stdout,
      /filter +mail1: not running: process \d+ on .* has ended without a word/,
    );
    t.match((await site.mandat('status', '--all')).stdout, /1 run, not running: mail1/);
    await waitFor('the metrics say so', LIMIT_MS, async () => {
      const { values } = await scrape(path.join(site.lab.directory, 'run/health.sock'));
      return (
        values.get('mandat_filter_up{filter="mail1"}') === 0 && values.get('mandat_filter_up{filter="mail2"}') === 1
      );
    });

    await start('mail1');
    t.equal((await send(at('alice'), 'again')).code, 250, 'its client sends it again');
    const marks = (await sends()).map(({ detail }) => JSON.parse(detail).message_id);
    t.same(marks.filter((mark) => mark === '<again@lab.test>').length, 1);
    t.notOk(marks.includes('<cut@lab.test>'), 'what was not taken is not recorded');
    t.same(badOf(await examined(site))['submission filter'], undefined);
  },
);

t.test('a mailbox on another mail server: its copy waits, and goes to no account that is left here', async (t) => {
  const before = (await inSent()).length;
  const mark = 'moved';
  await must(site.mandat('mailbox', 'set', at('alice'), '--server', 'mx2', '--no-wait'));
  t.match(await talk('mail2', mark), /^250 /);
  await outside(mark);
  const copies = async () => (JSON.parse((await site.mandat('--json', 'status')).stdout) as Status).copies;
  const [copy] = await waitFor('status tells of it', LIMIT_MS, async () => {
    const found = await copies();
    return found.some(({ code }) => code !== null) && found;
  });
  t.match(copy, { mailbox: at('alice'), code: 'refused', queued: true, message: /is on the mail server mx2/ });
  const { status: seen, seen: words, remedy } = (await examined(site)).get('copies in Sent') ?? {};
  t.match(
    { seen, words, remedy },
    { seen: 'warn', words: /alice.* is on the mail server mx2.*wait in Postfix's queue/, remedy: /\S/ },
  );
  t.equal((await inSent()).length, before);
  const back = await site.mandat('mailbox', 'set', at('alice'), '--server', 'main');
  t.match(back, { status: 5, stdout: /mx2: not yet\n {2}main: .*in force, verified/ }, 'nobody works on mx2');
  await waitFor('it is stored', LIMIT_MS, async () => {
    await flush();
    return (await inSent()).length === before + 1;
  });
  await waitFor('status tells of none any more', LIMIT_MS, async () => (await copies()).length === 0);
  t.match((await examined(site)).get('copies in Sent'), { status: 'ok' });
});

t.test(
  'PostgreSQL away: mail waits, whoever sends it, and a filter that is started meanwhile ends; both are back with it',
  async (t) => {
    await postgresql.halt();
    for (const from of ['alice', 'bob']) t.match(await send(at(from), `away-${from}`), { code: 451 }, `as ${from}`);
    t.match(await talk('mail2', 'away'), /^451 /);
    t.equal(await filterAt('mail2').process.end('SIGTERM'), 0, 'it leaves in order');
    const early = await mandatAt(filterAt('mail2').file, ['filter']);
    t.match(early, { status: 5, stderr: /can't be reached/ }, 'its unit starts it again');
    await postgresql.start();
    await start('mail2');
    t.match(await talk('mail2', 'back-2'), /^250 /);
    await waitFor(
      'the one that was there has it again',
      LIMIT_MS,
      async () => (await send(at('alice'), 'back-1')).code === 250,
    );
    await waitFor('each is recorded once', LIMIT_MS, async () => {
      const marks = (await sends()).map(({ detail }) => JSON.parse(detail).message_id);
      return ['back-1', 'back-2'].every((mark) => marks.filter((one) => one === `<${mark}@lab.test>`).length === 1);
    });
    t.notMatch(JSON.stringify(await sends()), /away/, 'what was not taken is not recorded');
    await must(site.mandat('audit', 'verify'));
  },
);

t.test('one that ends as it should is missed by nobody; a revoke counts in each of them at once', async (t) => {
  await must(site.mandat('revoke', at('alice'), at('bob'), '--yes'));
  t.match(await talk('mail2', 'late'), /^550 /);
  t.equal(await filterAt('mail2').process.end('SIGTERM'), 0);
  const { filter } = await status();
  t.same(
    filter.filters.map(({ name, running }) => [name, running]),
    [['mail1', true]],
  );
});
