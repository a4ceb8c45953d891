/** Ten administrators at the same moment, by the command line and by SQL, with a sidecar that works on what they do. */
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import t, { type Test } from 'tap';
import { sqlite3Beside } from '../store/shell.ts';
import { verify } from './inside.ts';
import { at, type Site, startSite } from './site.ts';
import { granted, seen } from './wire.ts';

const PEOPLE = Array.from({ length: 12 }, (_, index) => `d${index + 1}`);
const LIMIT = 10;

let site: Site;
t.before(async () => {
  site = await startSite({ users: ['alice', 'carol', ...PEOPLE], postfix: false });
  await site.register('alice', ...PEOPLE);
  await site.register('carol');
  await site.run();
});
t.teardown(() => site?.stop());

type Verb = 'grant' | 'revoke';
interface Done {
  readonly verb: Verb;
  readonly pair: string;
  /** What became of it: done, or the rule that refused it. */
  readonly became: string;
}

const atCli = async (verb: Verb, owner: string, delegate: string): Promise<Done> => {
  const args = ['--json', verb, at(owner), at(delegate), '--no-wait', ...(verb === 'revoke' ? ['--yes'] : [])];
  const { status, stdout } = await site.mandat(...args);
  const became = status === 0 ? 'done' : (JSON.parse(stdout).error.rule ?? JSON.parse(stdout).error.code);
  return { verb, pair: `${at(owner)} ${at(delegate)}`, became };
};

const inSql = async (verb: Verb, owner: string, delegate: string): Promise<Done> => {
  const [mailbox, person] = [at(owner), at(delegate)];
  const text =
    verb === 'grant'
      ? `INSERT INTO delegation (mailbox, delegate) VALUES ('${mailbox}', '${person}')`
      : `DELETE FROM delegations WHERE mailbox_id = (SELECT id FROM mailboxes WHERE address = '${mailbox}')
          AND delegate_id = (SELECT id FROM delegates WHERE identifier = '${person}'); SELECT changes()`;
  const { status, stdout, stderr, rule } = await sqlite3Beside(site.table, text);
  const nothing = verb === 'revoke' && stdout.trim() === '0';
  const became = rule ?? (nothing ? 'absent' : status === 0 ? 'done' : stderr);
  return { verb, pair: `${mailbox} ${person}`, became };
};

/** Looks at the table all the while: how many delegates a mailbox ever had at most, in any state that was committed. */
function watchLimit(): { stop(): Promise<{ readonly most: number; readonly looks: number }> } {
  const table = new Database(site.table, { readonly: true });
  const count = table.prepare('SELECT max(n) FROM (SELECT count(*) AS n FROM delegations GROUP BY mailbox_id)').pluck();
  let [most, looks, stopped] = [0, 0, false];
  const watching = (async () => {
    while (!stopped) {
      most = Math.max(most, (count.get() as number | null) ?? 0);
      looks++;
      await sleep(1);
    }
    table.close();
  })();
  return {
    stop: async () => {
      stopped = true;
      await watching;
      return { most, looks };
    },
  };
}

async function delegations(): Promise<string[]> {
  return (await site.sql("SELECT mailbox || ' ' || delegate FROM delegation ORDER BY 1"))
    .trim()
    .split('\n')
    .filter(Boolean);
}

/** What the wire and verify say, when everything is worked off. */
async function atRest(t: Test): Promise<void> {
  await site.settled();
  t.same(await verify(site), [], 'the last word stands on the server');
  const there = new Set(await delegations());
  for (const owner of ['alice', 'carol'])
    for (const person of PEOPLE)
      t.same(
        await seen(site, owner, person),
        there.has(`${at(owner)} ${at(person)}`) ? granted() : {},
        `${owner} ${person}`,
      );
}

const done: Done[] = [];

t.test('twelve are granted the same mailbox at once: ten get in, whoever asked', async (t) => {
  const watch = watchLimit();
  const all = await Promise.all(
    PEOPLE.map((person, index) => (index % 2 === 0 ? atCli : inSql)('grant', 'alice', person)),
  );
  done.push(...all);
  const { most, looks } = await watch.stop();
  t.ok(looks > 10);
  t.equal(most, LIMIT);
  t.same(
    all.map(({ became }) => became).sort(),
    [...Array(2).fill('MANDAT_LIMIT'), ...Array(LIMIT).fill('done')],
    'and the others are told why',
  );
  t.equal((await delegations()).length, LIMIT);
  await atRest(t);
});

t.test('ten at different and the same pairs, granting and revoking', async (t) => {
  const watch = watchLimit();
  // Administrator n goes by the command line or by SQL, over pairs of their own and one that all of them want.
  await Promise.all(
    Array.from({ length: LIMIT }, async (_, n) => {
      const by = n % 2 === 0 ? atCli : inSql;
      const own = PEOPLE[n] ?? '';
      done.push(await by('grant', 'carol', own));
      done.push(await by('revoke', 'alice', own));
      done.push(await by(n % 3 === 0 ? 'grant' : 'revoke', 'alice', 'd12'));
      done.push(await by('grant', 'alice', own));
      if (n % 4 === 0) done.push(await by('revoke', 'carol', own));
      done.push(await by(n % 3 === 0 ? 'revoke' : 'grant', 'carol', 'd11'));
    }),
  );
  const { most } = await watch.stop();
  t.ok(most <= LIMIT, `${most} at most`);
  const expected = ['done', 'absent', 'MANDAT_DUPLICATE', 'MANDAT_LIMIT'];
  t.same(
    done.filter(({ became }) => !expected.includes(became)),
    [],
    'nobody was told of a lock, or of anything unforeseen',
  );
  await atRest(t);
});

t.test(
  'each change is audited exactly once, in the order in which it was made, and the seals are intact',
  async (t) => {
    await site.settled();
    const entries = JSON.parse((await site.mandat('--json', 'audit', '--limit', '10000')).stdout) as {
      action: string;
      mailbox: string;
      delegate: string;
      actor: string;
    }[];
    const changes = entries.filter(({ action }) => action === 'grant' || action === 'revoke');
    const tally = (words: readonly string[]) =>
      Object.fromEntries(
        [...new Set(words)].sort().map((word) => [word, words.filter((other) => other === word).length]),
      );
    t.same(
      tally(changes.map(({ action, mailbox, delegate }) => `${action} ${mailbox} ${delegate}`)),
      tally(done.filter(({ became }) => became === 'done').map(({ verb, pair }) => `${verb} ${pair}`)),
    );
    const stands = new Set<string>();
    for (const { action, mailbox, delegate } of changes) {
      const pair = `${mailbox} ${delegate}`;
      t.equal(stands.has(pair), action === 'revoke', `${action} ${pair}: only what isn't there is granted`);
      if (action === 'grant') stands.add(pair);
      else stands.delete(pair);
    }
    t.same([...stands].sort(), await delegations(), 'the trail leads to what stands in the table');
    t.same(new Set(changes.map(({ actor }) => actor.replace(/:.*/, ''))), new Set(['admin', 'sql']), 'with who it was');
    t.match(await site.mandat('audit', '--check'), { status: 0, stdout: /^the trail is intact: / });
    t.match(await site.mandat('verify'), { status: 0 });
    t.match(await site.mandat('status'), { status: 0, stdout: /^waiting +0 mailboxes/m });
  },
);
