/** docs/reference/files-and-modes.md says what `mandat init`, the imports and a running sidecar really make: names, owners, groups and modes. */
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, type Stats, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { DATA, type Place, RUNTIME, STANDING_IN } from '../../.ci/manual/words/places.ts';
import { systemGroup, systemUser } from '../../config/lab/system-ids.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { builtMandat } from '../cli/built.ts';
import { ran } from '../cli/commands.ts';
import { desk, WITH_SENDERS } from '../cli/desk.ts';
import { lasting } from '../cli/lasting.ts';
import { correspondenceOf, crowd } from '../directory/correspondence-maker.ts';
import { extractOf, personLines } from '../directory/extract-maker.ts';

const skip = process.geteuid?.() !== 0 && 'only root can make files of several owners';
/** Stand for user mandat, and for group mandat, which this machine need not have. */
const OWNER = systemUser('mail');
const SHARED = 65_533;
const ASKED_MS = 20_000;

const GETENT = `#!/bin/sh
[ "$1 $2" = "group mandat" ] && exec echo "mandat:x:${SHARED}:"
exec /usr/bin/getent "$@"
`;

const CONFIG = `${WITH_SENDERS}kind = ["postfix-sqlite", "file", "socketmap"]
file_format = "exim"
[submission]
[health]
`;

const WHITE_LIST =
  '<?xml version="1.0" encoding="UTF-8"?>\n<ListeBlanche xmlns="https://listeblanche.mssante.fr/schema"><Domaine><Nom>chu.example</Nom><Operateur>X</Operateur></Domaine></ListeBlanche>\n';

const kindOf = (stat: Stats): Place['kind'] =>
  stat.isDirectory() ? 'directory' : stat.isSocket() ? 'socket' : stat.isSymbolicLink() ? 'link' : 'file';

/** As the page names it. */
const written = (stat: Stats, path: string, group: string) => ({
  path,
  kind: kindOf(stat),
  owner: stat.uid === OWNER.uid ? 'mandat' : `user ${stat.uid}`,
  group,
  mode: (stat.mode & 0o7777).toString(8),
});

function groupName({ gid }: Stats, file: string): string {
  if (gid === systemGroup('postfix')) return 'postfix';
  return gid === (/\/table(?:\/|$)/.test(file) ? SHARED : OWNER.gid) ? 'mandat' : `group ${gid}`;
}

/** What is there, below `top` and itself; `top` is called `name`. */
function there(top: string, name: string, left?: RegExp) {
  const names = ['', ...readdirSync(top, { recursive: true, encoding: 'utf8' })];
  return names
    .filter((one) => left?.test(one) !== true)
    .map((one) => {
      const file = path.join(top, one);
      const stat = lstatSync(file);
      return written(stat, path.posix.join(name, one).replace(/-\d+(?=\.db)/, '-N'), groupName(stat, file));
    })
    .sort(byPath);
}

const byPath = (one: { readonly path: string }, other: { readonly path: string }) => (one.path < other.path ? -1 : 1);
const bare = ({ path, kind, owner, group, mode }: Place) => ({ path, kind, owner, group, mode });

t.test('every file, and no other, with its owner, group and mode', { skip }, async (t) => {
  const made = await desk(t, { config: CONFIG, init: false });
  const at = (...names: readonly string[]) => path.join(made.directory, ...names);
  const bin = at('bin');
  mkdirSync(bin);
  writeFileSync(path.join(bin, 'getent'), GETENT, { mode: 0o755 });
  process.env.PATH = `${bin}:${process.env.PATH}`;
  mkdirSync(at('data'));
  chmodSync(at('data'), 0o711);
  for (const name of ['data', 'imap.secret']) chownSync(at(name), OWNER.uid, OWNER.gid);
  const program = await builtMandat();
  const umask = process.umask(0o027);
  t.teardown(() => process.umask(umask));
  // As the unit runs it: this user, in the two groups.
  const as = [`--reuid=${OWNER.uid}`, `--regid=${OWNER.gid}`, `--groups=${SHARED},${systemGroup('postfix')}`];
  const mandat = async (...args: readonly string[]) => {
    const result = await ran(['setpriv', ...as, ...program, '--config', made.configFile, ...args]);
    t.equal(result.status, 0, `${args.join(' ')}: ${result.stderr}`);
  };
  const given = (name: string, content: string) => {
    writeFileSync(at(name), content);
    chmodSync(at(name), 0o644);
    return at(name);
  };
  await mandat('init');
  await mandat('directory', 'import', given('extract.txt', extractOf([1, 2, 3].flatMap(personLines))));
  await mandat('directory', 'import', given('boxes.txt', correspondenceOf(crowd(3))));
  await mandat('directory', 'import', '--whitelist', given('domains.xml', WHITE_LIST));
  await mandat('mailbox', 'add', 'alice@lab.test');

  const sidecar = await lasting(t, made.configFile, 'run');
  const sockets = RUNTIME.filter(({ kind }) => kind === 'socket').map((one) => path.basename(one.path));
  const run = at('data/run');
  const wanted = [...DATA, ...RUNTIME].map(bare).sort(byPath);
  const found = () => [...there(at('data'), 'DATA', /^run(\/|$)/), ...there(run, 'RUN')].sort(byPath);
  await waitFor(
    'sockets and databases',
    ASKED_MS,
    () =>
      sockets.every((name) => lstatSync(path.join(run, name), { throwIfNoEntry: false })?.isSocket()) &&
      found().length >= wanted.length,
    () => sidecar.output() + JSON.stringify(found().map((one) => one.path)),
  );
  t.same(found(), wanted);

  const standing = await ran([...program, '--config', made.configFile, 'stand-in', '--for', '60']);
  t.equal(standing.status, 0, standing.stderr);
  const pid = Number(/process (\d+)/.exec(standing.stdout)?.[1]);
  t.teardown(() => {
    try {
      process.kill(pid);
    } catch {}
  });
  const [link, wait] = STANDING_IN.map(bare);
  const named = (name: string) => [link, wait].map((one) => ({ ...one, path: one?.path.replace('NAME.sock', name) }));
  // Nobody stands in for what a monitoring system asks: it is to hear that nobody is there.
  const meanwhile = there(run, 'RUN').filter(({ path: one }) => one !== 'RUN' && one !== 'RUN/health.sock');
  t.same(
    meanwhile.map((one) => ({ ...one, ...(one.kind === 'link' ? { group: 'mandat' } : {}) })),
    sockets
      .filter((name) => name !== 'health.sock')
      .sort()
      .flatMap(named),
    'while a stand-in waits',
  );
  await sidecar.end('SIGTERM');
});
