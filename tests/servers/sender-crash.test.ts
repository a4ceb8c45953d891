/**
 * Publishing and asking at the same time, and a publisher that dies in the middle: no lookup may fail, since any error in one
 * kills the smtpd that made it, for everybody (config/postfix/mandat.cf).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { openSenderMap, SENDER_FILE } from '../../bridge/store/published/sender-map.ts';
import type { RawSmtp } from '../../config/lab/raw-smtp.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { builtDirectory, NODE } from '../cli/built.ts';
import { at, type Site, startSite } from './site.ts';
import { askSender, submissionAs } from './submission.ts';

const ALICE = 1;
const CROWD = 2;
/** Addresses that belong to carol or to dave, all of them, turn by turn. */
const SIZE = 300;

/** Postfix slows down whoever opens messages faster than they send them, or is refused often, and hangs up in the end. */
const UNBRAKED = {
  extraMain: 'in_flow_delay = 0',
  submissionOptions: ['junk_command', 'soft_error', 'hard_error'].map((name) => `smtpd_${name}_limit=1000000`),
};

let site: Site;
let bob: RawSmtp;
let carol: RawSmtp;

t.before(async () => {
  site = await startSite({ users: ['alice', 'bob', 'carol', 'dave'], ...UNBRAKED });
  const map = openSenderMap(site.lab.senderDirectory);
  map.publish(
    ALICE,
    ['alice', 'bob'].map((name) => ({ address: at('alice'), login: at(name) })),
  );
  map.publish(
    CROWD,
    Array.from({ length: SIZE }, (_, index) => ({ address: at(`a${index}`), login: at('dave') })),
  );
  map.close();
  await logIn();
});

async function logIn(): Promise<void> {
  for (const session of [bob, carol]) session?.close();
  bob = await submissionAs(site, 'bob');
  carol = await submissionAs(site, 'carol');
}
t.teardown(async () => {
  bob?.close();
  carol?.close();
  await site?.stop();
});

/** A process that publishes without end. Writes `b` at the beginning and `e` at the end of each. */
async function publisher(): Promise<{
  readonly child: ChildProcess;
  marks(): string;
  until(count: number): Promise<void>;
}> {
  const program = `
    import { writeSync } from 'node:fs';
    import { openSenderMap } from ${JSON.stringify(path.join(await builtDirectory(), 'bridge/store/published/sender-map.js'))};
    const map = openSenderMap(process.argv[1]);
    for (let turn = 0; ; turn++) {
      const login = turn % 2 === 0 ? '${at('carol')}' : '${at('dave')}';
      const rules = Array.from({ length: ${SIZE} }, (_, index) => ({ address: 'a' + index + '@lab.test', login }));
      writeSync(1, 'b');
      map.publish(${CROWD}, rules);
      writeSync(1, 'e');
    }`;
  const [file, ...args] = [...NODE, '--input-type=module', '--eval', program, site.lab.senderDirectory] as const;
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let marks = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    marks += text;
  });
  return {
    child,
    marks: () => marks,
    until: async (count) => {
      await waitFor(`the publisher to write ${count} marks`, 20_000, () => {
        if (child.exitCode !== null) throw new Error(`the publisher ended with ${child.exitCode}`);
        return marks.length >= count;
      });
    },
  };
}

/** Two questions: one whose answer never changes, one whose answer is yes or no. A 4xx, or a hang-up, is neither. */
async function ask(): Promise<{ readonly stands: number; readonly turns: number }> {
  const [stands, turns] = await Promise.all([
    askSender(bob, at('alice')),
    askSender(carol, at(`a${Math.floor(Math.random() * SIZE)}`)),
  ]);
  return { stands: stands.code, turns: turns.code };
}

const whole = (answer: { stands: number; turns: number }) => answer.stands === 250 && [250, 553].includes(answer.turns);

/** How many logins the crowd's addresses have, and how many addresses there are. */
function crowd(): unknown {
  const database = new Database(path.join(site.lab.senderDirectory, SENDER_FILE), { readonly: true });
  try {
    return database
      .prepare('SELECT count(DISTINCT login) AS logins, count(*) AS rows FROM sender_login WHERE mailbox = ?')
      .get(CROWD);
  } finally {
    database.close();
  }
}

t.test('hundreds of questions while somebody publishes without a pause', async (t) => {
  const { child, marks, until } = await publisher();
  await until(2);
  const failed: unknown[] = [];
  const seen = new Set<number>();
  for (let asked = 0; asked < 400 || marks().length < 40; asked++) {
    const answer = await ask();
    seen.add(answer.turns);
    if (!whole(answer)) failed.push(answer);
  }
  child.kill('SIGKILL');
  await once(child, 'exit');
  t.same(failed, []);
  t.same([...seen].sort(), [250, 553], 'and the changes were seen');
});

t.test('a publisher killed in the middle, again and again', async (t) => {
  let inTheMiddle = 0;
  const failed: unknown[] = [];
  for (let round = 1; round <= 25; round++) {
    const { child, marks, until } = await publisher();
    const dead = once(child, 'close');
    let alive = true;
    const asking = (async () => {
      while (alive && failed.length === 0) {
        const answer = await ask();
        if (!whole(answer)) failed.push({ round, ...answer });
      }
    })();
    await until(1 + Math.floor(Math.random() * 20));
    child.kill('SIGKILL');
    await dead;
    alive = false;
    await asking;
    if (marks().endsWith('b')) inTheMiddle++;
    const after = await ask();
    if (!whole(after)) failed.push({ round, after });
    if (round % 8 === 0) {
      await site.lab.stopPostfix();
      await site.lab.startPostfix();
    }
    if (round % 4 === 0) await logIn();
    const cold = await ask();
    if (!whole(cold)) failed.push({ round, cold });
    t.same(crowd(), { logins: 1, rows: SIZE }, 'all of a change, or nothing of it');
  }
  t.same(failed, []);
  t.ok(inTheMiddle > 0, `${inTheMiddle} of 25 were killed between the beginning and the end of a change`);
  const map = openSenderMap(site.lab.senderDirectory);
  map.publish(CROWD, []);
  map.close();
  t.equal((await askSender(carol, at('a0'))).code, 553, 'the next one publishes as if nothing had been');
});

t.test('another program that holds the map for writing disturbs no question', async (t) => {
  const other = new Database(path.join(site.lab.senderDirectory, SENDER_FILE));
  other.exec(`BEGIN EXCLUSIVE; DELETE FROM sender_login`);
  const answers = [];
  for (let asked = 0; asked < 50; asked++) answers.push(await ask());
  t.ok(answers.every(whole), 'what was there last is the answer');
  other.exec('ROLLBACK');
  other.close();
});

t.test('no process of Postfix ended by an error', async (t) => {
  const log = readFileSync(site.lab.logs().postfix, 'utf8');
  t.same(
    log.split('\n').filter((line) => /fatal|panic|killed by|exit status|throttling|sqlite/i.test(line)),
    [],
  );
});
