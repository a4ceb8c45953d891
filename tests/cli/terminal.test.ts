import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { takeLock } from '../../bridge/store/files/lock.ts';
import { builtMandat } from './built.ts';
import { type Desk, type DeskOptions, desk } from './desk.ts';
import { atTerminal, readable } from './terminal.ts';

async function granted(
  t: Parameters<typeof desk>[0],
  options?: DeskOptions,
): Promise<Desk & { readonly argv: readonly string[] }> {
  const made = await desk(t, options);
  made.sql(`INSERT INTO mailbox (address) VALUES ('alice@lab.test'); INSERT INTO delegate (id, login, first_name, last_name) VALUES ('bob', 'bob@lab.test', 'Bob', 'Martin');
    INSERT INTO delegation (mailbox, delegate) VALUES ('alice@lab.test', 'bob')`);
  return { ...made, argv: [...(await builtMandat()), '--config', made.configFile] };
}

const REVOKE = ['revoke', 'alice@lab.test', 'bob'];
const PROMPT = /\(y\/N\)/;

t.test('what ends something asks first, and No is the default', async (t) => {
  const { argv, sql } = await granted(t);
  const before = sql('SELECT * FROM delegation');
  const cases: readonly (readonly [keys: string, why: string])[] = [
    ['\r', 'just Enter'],
    ['n\r', 'no'],
    ['\x03', 'Ctrl-C'],
    ['\x04\r', 'Ctrl-D'],
  ];
  for (const [keys, why] of cases) {
    const seen = await atTerminal([...argv, ...REVOKE], PROMPT, keys);
    t.equal(seen.status, 1, why);
    t.match(
      readable(seen),
      /End the delegation of alice@lab\.test to Bob Martin \(bob, bob@lab\.test\)\?[\s\S]*\(y\/N\)/,
    );
    t.match(readable(seen), /cancelled, nothing was changed/);
    t.equal(sql('SELECT * FROM delegation'), before);
  }
  for (const [what, says] of [
    [['mailbox', 'remove', 'alice@lab.test'], /Remove the mailbox alice@lab\.test, which ends 1 delegation\?/],
    [['delegate', 'remove', 'bob'], /Remove the delegate bob, which ends their access to alice@lab\.test\?/],
    [['restore', 'accept'], /Delegations that were revoked .* come back\./s],
  ] as const) {
    const seen = await atTerminal([...argv, ...what], PROMPT);
    t.match({ status: seen.status, text: readable(seen) }, { status: 1, text: says });
  }
  t.equal(sql('SELECT count(*) FROM delegation'), '1');
});

t.test('yes is yes', async (t) => {
  const { argv, sql } = await granted(t);
  const seen = await atTerminal([...argv, ...REVOKE], PROMPT, 'y\r');
  t.equal(seen.status, 0);
  t.match(readable(seen), /no longer delegated to bob\s+No sidecar is running: this command made the pass itself/);
  t.equal(sql('SELECT count(*) FROM delegation'), '0');
});

t.test('what is not there is said before anything is asked', async (t) => {
  const config =
    'data_dir = "data"\n[identity]\nscheme = "login"\n[grant]\nacknowledge = true\n[imap]\nport = 1\ntls = "none"\n';
  const { argv } = await granted(t, { config });
  for (const words of [
    ['revoke', 'alice@lab.test', 'nobody'],
    ['grant', 'alice@lab.test', 'nobody'],
    ['grant', 'nobody@lab.test', 'bob'],
  ]) {
    const seen = await atTerminal([...argv, ...words]);
    t.equal(seen.status, 4, words.join(' '));
    t.notMatch(readable(seen), PROMPT);
    t.notMatch(readable(seen), /responsable/, 'nobody reads what they answer for where there is nothing to grant');
  }
});

t.test('nobody is asked with --yes, with --json, or where the answer could not come from a terminal', async (t) => {
  const { argv, sql, mandat, json } = await granted(t);
  t.match(await mandat(...REVOKE), {
    status: 2,
    stdout: '',
    stderr: /no terminal to ask at; nothing was changed\n.*--yes/,
  });
  t.match(await json(...REVOKE), { error: { code: 'config', hint: /--yes/ } });
  const asked = await atTerminal([...argv, '--json', ...REVOKE]);
  t.match({ status: asked.status, text: readable(asked) }, { status: 2, text: /--yes/ });
  const piped = await atTerminal(['sh', '-c', 'yes | "$@"', 'sh', ...argv, ...REVOKE]);
  t.match(
    { status: piped.status, text: readable(piped) },
    { status: 2, text: /--yes/ },
    'a pipe that says yes to everything',
  );
  t.equal(sql('SELECT count(*) FROM delegation'), '1');
  const done = await atTerminal([...argv, ...REVOKE, '--yes']);
  t.equal(done.status, 0);
  t.notMatch(readable(done), PROMPT);
  t.equal(sql('SELECT count(*) FROM delegation'), '0');
});

t.test('colour on a terminal, and only there', async (t) => {
  const { argv, directory, mandat } = await granted(t);
  const state = new Database(`${directory}/data/private/state.db`);
  state.exec(`INSERT INTO outcomes (mailbox_id, address, code, message, hint, failed_version, attempts)
    VALUES (1, 'alice@lab.test', 'retry', 'out of reach' || char(27) || '[2J', 'wait', 1, 3)`);
  state.close();
  const seen = await atTerminal([...argv, 'status']);
  t.equal(seen.status, 1, 'status fails when something does');
  t.match(seen.screen, '\x1b[31mretry\x1b[39m');
  t.notMatch(seen.screen, '\x1b[2J', 'what a server said does not clear it');
  t.match(readable(seen), /failing +1 mailbox\n/);
  t.match(readable(seen), /alice@lab\.test: retry: out of reach.*\n +wait\n +attempt 3/);
  const plain = await atTerminal(['env', 'NO_COLOR=1', ...argv, 'status']);
  t.notMatch(plain.screen, '\x1b', 'NO_COLOR');
  const { status, stdout } = await mandat('status'); // refuses colours by itself
  t.match({ status, stdout }, { status: 1, stdout: /alice@lab\.test: retry: out of reach/ }, 'into a pipe');
});

t.test(
  'what takes longer than a second says for what it waits, on a terminal only, and leaves no trace of it',
  async (t) => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    t.teardown(() => silent.close());
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const config = `data_dir = "data"\n[identity]\nscheme = "login"\nunknown_credential = "valid"\n[grant]\nacknowledge = false
[imap]\nport = ${port}\ntls = "none"\ntimeout_seconds = 3\n`;
    const { argv, directory, mandat } = await granted(t, { config });
    const lock = takeLock(path.join(directory, 'data/private/sidecar.lock')); // a sidecar that never does anything
    t.teardown(() => lock.release());
    const rows: readonly (readonly [words: readonly string[], status: number, waits: RegExp])[] = [
      [['suspend', 'alice@lab.test', 'bob', '--wait', '3'], 5, /waiting for the sidecar, 1 s/],
      [['explain', 'alice@lab.test'], 5, /looking at the folders, 1 s/],
      [['doctor'], 1, /looking, 1 s/],
    ];
    for (const [words, status, waits] of rows) {
      const seen = await atTerminal([...argv, ...words]);
      t.match({ status: seen.status, screen: seen.screen }, { status, screen: waits }, words.join(' '));
      const left = seen.screen.split('\n').map((line) => line.slice(line.lastIndexOf('\r\x1b[K') + 1));
      t.notMatch(left.join('\n'), waits, 'it is wiped out by what comes after it');
    }
    const { stderr } = await mandat('resume', 'alice@lab.test', 'bob', '--wait', '2');
    t.notMatch(stderr, /waiting for the sidecar/);
  },
);
