/** A log read with a remembered position: whatever becomes of the log and of us in between, each event once. */
import { appendFileSync, chmodSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { type LogReader, openLogReader } from '../../bridge/events/log/log-reader.ts';
import type { ServerEvent } from '../../bridge/events/server-event.ts';
import { eventText, logWriter, numberOf, saidByStats } from './log-writer.ts';

const directory = mkdtempSync(path.join(os.tmpdir(), 'mandat-log-'));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));
let logs = 0;

/** A log, and who reads it: what was kept and its position are as in a database, and outlive the reader. */
function reading(style: 'file' | 'mixed' = 'file') {
  const place = path.join(directory, `l${++logs}`);
  rmSync(place, { recursive: true, force: true });
  const log = path.join(directory, `d${logs}-events.log`);
  writeFileSync(log, '');
  const kept: number[] = [];
  const heard: number[] = [];
  const recalled: ServerEvent[] = [];
  let position: string | undefined;
  let refuse = false;
  let reader: LogReader | undefined;
  const open = () => {
    reader ??= openLogReader({
      log,
      position: () => position,
      keep: (events, at) => {
        if (refuse) throw new Error('disk full');
        kept.push(...events.map(numberOf));
        position = at;
      },
      hear: (events) => heard.push(...events.map(numberOf)),
      recall: (login) => recalled.push(login),
    });
    return reader;
  };
  const all = () => {
    for (let steps = 0; open().step(); steps++) if (steps > 10_000) throw new Error('it never ends');
  };
  return {
    log,
    writer: logWriter(log, style),
    kept,
    heard,
    recalled,
    /** All that is there. */
    all,
    /** One portion. */
    some: () => open().step(),
    /** Ends it as a kill does: only what was kept is known afterwards. */
    kill: () => {
      reader?.close();
      reader = undefined;
    },
    refuse: (whether: boolean) => {
      refuse = whether;
    },
    reader: open,
  };
}
type Reading = ReturnType<typeof reading>;

const upTo = (n: number) => Array.from({ length: n }, (_, index) => index + 1);

const STORIES: readonly (readonly [string, (one: Reading) => unknown])[] = [
  [
    'as it grows',
    ({ writer, all }) => {
      for (const count of [1, 5, 1]) {
        writer.events(count);
        all();
      }
    },
  ],
  ['what stood there before', ({ writer, all }) => [writer.events(2000), all()]],
  [
    'renamed and made anew',
    ({ writer, all }) => [writer.events(3), all(), writer.events(2), writer.rename(), writer.events(3), all()],
  ],
  [
    'twice between two looks',
    ({ writer, all }) => [
      writer.events(),
      all(),
      writer.events(),
      writer.rename(),
      writer.events(),
      writer.rename(),
      writer.events(),
      all(),
    ],
  ],
  [
    'whoever writes goes on in the file of before',
    ({ writer, all, log }) => {
      writer.events(2);
      all();
      writer.rename();
      all();
      appendFileSync(`${log}.1`, `${eventText(3)}\n`);
      all();
    },
  ],
  [
    'copied and emptied',
    ({ writer, all }) => [writer.events(3), all(), writer.events(2), writer.copyAndEmpty(), writer.events(1), all()],
  ],
  [
    'copied, emptied and longer than before',
    ({ writer, all }) => [writer.events(3), all(), writer.events(2), writer.copyAndEmpty(), writer.events(50), all()],
  ],
  [
    'killed, and written to meanwhile',
    ({ writer, all, kill }) => [writer.events(3), all(), kill(), writer.events(2), all()],
  ],
  [
    'killed in the middle',
    ({ writer, all, kill, some }) => [writer.events(3000), some(), kill(), some(), kill(), all()],
  ],
  [
    'killed, and renamed meanwhile',
    ({ writer, all, kill }) => [
      writer.events(3),
      all(),
      writer.events(2),
      kill(),
      writer.rename(),
      writer.events(2),
      all(),
      kill(),
      all(),
    ],
  ],
  [
    'killed, and renamed thrice meanwhile',
    ({ writer, all, kill }) => {
      writer.events(3);
      all();
      kill();
      for (let n = 0; n < 3; n++) [writer.events(2), writer.rename()];
      writer.events(1);
      all();
    },
  ],
  [
    'killed, and copied and emptied meanwhile',
    ({ writer, all, kill }) => {
      writer.events(3);
      all();
      kill();
      for (let n = 0; n < 3; n++) [writer.events(2), writer.copyAndEmpty()];
      writer.events(1);
      all();
    },
  ],
  [
    'gone for a while',
    ({ writer, all, log }) => {
      writer.events(3);
      all();
      renameSync(log, `${log}.1`);
      all();
      writer.events(2);
      all();
    },
  ],
  [
    'killed before it was there',
    ({ writer, all, kill, log }) => {
      rmSync(log);
      all();
      kill();
      writer.events(2);
      all();
    },
  ],
  [
    'compressed after it was read',
    ({ writer, all, log }) => {
      writer.events(3);
      all();
      writer.rename();
      writer.events(1);
      all();
      renameSync(`${log}.1`, `${log}.1.gz`);
      writer.events(1);
      all();
    },
  ],
];

for (const style of ['file', 'mixed'] as const)
  for (const [what, story] of STORIES)
    t.test(`${style}: ${what}`, async (t) => {
      const one = reading(style);
      t.teardown(one.kill);
      story(one);
      one.all();
      if (what.startsWith('whoever')) return void t.same(one.kept, [1, 2, 3]);
      t.same(one.kept, upTo(one.writer.written));
      t.equal(one.reader().counts.lost, 0);
      t.equal(one.reader().counts.malformed, 0);
      one.kill();
      one.all();
      t.same(one.kept, upTo(one.writer.written));
    });

t.test('whatever order things happen in', async (t) => {
  const seed = 20_261_129;
  let state = seed;
  const below = (n: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * n);
  };
  for (let story = 0; story < 40; story++) {
    const one = reading(story % 2 === 0 ? 'file' : 'mixed');
    // One way of rotating at a site.
    const rotate = () => {
      one.writer.events(1);
      if (story % 4 < 2) one.writer.rename();
      else one.writer.copyAndEmpty();
    };
    const done: string[] = [];
    one.all(); // it has been there: what was before it is nobody's business
    for (let step = 0; step < 30; step++) {
      const what = ['events', 'events', 'events', 'some', 'all', 'kill', 'rotate', 'refused'][below(8)] ?? '';
      done.push(what);
      if (what === 'events') one.writer.events(1 + below(5) ** 3);
      if (what === 'some') one.some();
      if (what === 'all') one.all();
      if (what === 'kill') one.kill();
      if (what === 'rotate') rotate();
      if (what === 'refused') {
        one.refuse(true);
        try {
          one.all();
        } catch {}
        one.refuse(false);
      }
    }
    one.all();
    t.same(one.kept, upTo(one.writer.written), `seed ${seed}, story ${story}: ${done}`);
    one.kill();
  }
});

t.test('half a line waits for its rest, also over a restart', async (t) => {
  for (const style of ['file', 'mixed'] as const) {
    const { log, kept, all, kill } = reading(style);
    const text = Buffer.from(`${saidByStats(eventText(1, { cmd_args: 'é'.repeat(5000) })).join('\n')}\n`, 'latin1');
    const octets = style === 'mixed' ? text : Buffer.from(`${eventText(1)}\n`);
    for (let at = 0; at < octets.length; at += 97) {
      t.same(kept, []);
      appendFileSync(log, octets.subarray(at, at + 97));
      all();
      if (at % 3 === 0) kill();
    }
    t.same(kept, [1]);
    kill();
  }
});

t.test('what is no event harms no event', async (t) => {
  const { writer, kept, all, reader, kill } = reading('mixed');
  const forged = eventText(9);
  for (const line of [
    '',
    'nonsense',
    '\0'.repeat(5000),
    'Nov 29 10:50:03 stats: Info: something else',
    `Nov 29 10:50:03 imap-login: Info: Disconnected: user=<${forged}>`,
    `Nov 29 10:50:03 imap-login: Info: user=<stats: Info: ${forged}`,
    `Nov 29 10:50:03 imap(stats: Info: ${forged}`,
    `Nov 29 10:50:03 auth: Info: stats: Info: ${forged}`,
    `2026-11-29T10:50:03.1+01:00 vm sshd[12]: Invalid user dovecot: stats: ${forged}`,
    `Nov 29 10:50:03 stats: Info: {"event":"imap_command_finished","fields":{"user":5}}`,
    `Nov 29 10:50:03 stats: Info: {"event":"imap_command_finished","fields":`,
    '{"event":"imap_command_finished","fields":',
    '{"event":"imap_command_finished"}',
    '{}',
  ]) {
    writer.events(1);
    writer.raw(`${line}\n`);
  }
  writer.events(1);
  all();
  t.same(kept, upTo(writer.written));
  t.equal(reader().counts.malformed, 5);
  kill();
});

t.test('syslog writes it otherwise', async (t) => {
  const { writer, kept, all, kill } = reading('mixed');
  for (const head of [
    'Nov 29 10:50:03 vm dovecot: stats: ',
    'Nov  9 10:50:03 vm dovecot[12]: stats: ',
    '2026-11-29T10:50:03.123456+01:00 mail.example.org dovecot: stats: ',
    '2026-11-29 10:50:03 stats(123): Info: ',
    'stats: Info: ',
  ]) {
    writer.raw(`${head}${Buffer.from(eventText(kept.length + 1)).toString('latin1')}\n`);
    all();
  }
  t.same(kept, upTo(5));
  kill();
});

t.test('a line without end takes no memory, and is passed over', async (t) => {
  const { writer, kept, all, kill, reader, log } = reading();
  writer.events(2);
  const before = process.memoryUsage().rss;
  truncateSync(log, 200 * 1024 * 1024); // octets that are none take no place either
  all();
  t.ok(process.memoryUsage().rss - before < 64 * 1024 * 1024, 'bounded');
  kill();
  writer.raw('\n');
  writer.events(2);
  all();
  t.same(kept, upTo(4));
  t.equal(reader().counts.malformed, 1);
  kill();
});

t.test('what can not be kept is given again, and is heard of once', async (t) => {
  const { writer, kept, heard, all, refuse, kill } = reading();
  writer.events(3);
  refuse(true);
  t.throws(all, 'disk full');
  writer.events(1);
  t.throws(all, 'disk full');
  refuse(false);
  all();
  t.same(kept, upTo(4));
  t.same(heard, upTo(4));
  kill();
});

t.test('what is lost is said', async (t) => {
  const { writer, kept, all, kill, reader, log } = reading();
  writer.events(2);
  all();
  kill();
  rmSync(log);
  writer.events(1);
  all();
  t.same(kept, upTo(3));
  t.equal(reader().counts.lost, 1, 'nobody knows what it held at the end');
  writeFileSync(log, '');
  writer.events(1);
  all();
  t.equal(reader().counts.lost, 2, 'emptied, and no copy');
  t.same(kept, upTo(4));
  kill();
});

t.test('a copy of what was read is not read again', async (t) => {
  const { writer, kept, all, log, kill } = reading();
  writer.events(3);
  all();
  appendFileSync(
    `${log}.1`,
    upTo(3)
      .map((n) => `${eventText(n)}\n`)
      .join(''),
  );
  kill();
  writer.rename();
  writer.events(1);
  all();
  t.same(kept, upTo(4));
  kill();
});

t.test(
  'a log that may not be read is said, and taken up when it may',
  { skip: process.getuid?.() === 0 },
  async (t) => {
    const { writer, kept, all, log, reader } = reading();
    writer.events(1);
    chmodSync(log, 0);
    all();
    t.match(reader().trouble, /EACCES/);
    chmodSync(log, 0o600);
    all();
    t.same(kept, [1]);
  },
);

t.test('a log that is none, and one that is not there', async (t) => {
  for (const log of ['/dev/null', directory, path.join(directory, 'none/x.log')]) {
    const reader = openLogReader({ log, position: () => undefined, keep: () => {}, hear: () => {} });
    t.equal(reader.step(), false);
    t.ok(reader.trouble, log);
    reader.close();
  }
});

t.test('a position that is none counts as none', async (t) => {
  for (const position of [
    '',
    '{',
    '{"files":[]}',
    '{"files":[{}]}',
    '{"files":[{"inode":"1","head":{"octets":-1},"at":0}]}',
  ]) {
    const { log, writer } = reading();
    const kept: number[] = [];
    writer.events(2);
    const reader = openLogReader({
      log,
      position: () => position,
      keep: (events) => kept.push(...events.map(numberOf)),
      hear: () => {},
    });
    while (reader.step());
    t.same(kept, [1, 2]);
    reader.close();
  }
});

t.test('nobody keeps it: from its end, and hints are heard', async (t) => {
  const { log, writer } = reading('mixed');
  const heard: number[] = [];
  writer.events(20);
  writer.raw('Nov 29 10:50:03 stats: Info: {"event":"imap_comm');
  const reader = openLogReader({
    log,
    position: () => undefined,
    keep: undefined,
    hear: (events) => heard.push(...events.map(numberOf)),
  });
  while (reader.step());
  writer.raw('and"}}\n');
  writer.events(1);
  while (reader.step());
  t.same(heard, [21]);
  reader.close();
});

t.test('logins of before are recalled: their sessions may go on', async (t) => {
  const { log, writer, all, kill, recalled } = reading('mixed');
  const login = JSON.stringify({
    event: 'auth_request_finished',
    end_time: '2026-11-29T10:50:03Z',
    fields: { user: 'alice@lab.test', master_user: 'webmail', session: 's0', service: 'imap', success: 'yes' },
  });
  appendFileSync(log, `${saidByStats(login)[0]}\n`);
  writer.events(3);
  all();
  t.same(recalled, []);
  kill();
  writer.rename();
  writer.events(1);
  all();
  t.match(recalled, [{ kind: 'login', master: 'webmail', session: 's0' }]);
  kill();
});
