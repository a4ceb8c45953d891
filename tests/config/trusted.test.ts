import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { loadConfig } from '../../config/load.ts';
import { othersMayChange } from '../../config/trusted.ts';
import { builtMandat } from '../cli/built.ts';
import { ran } from '../cli/commands.ts';

const SOMEBODY = 65_534;
const execute = (command: string, ...args: string[]) => execFileSync(command, args);
const ROOT = process.getuid?.() === 0;

let top: string;
let file: string;
t.beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'mandat-trusted-')); // in /tmp, whose sticky bit keeps what is in it
  mkdirSync(join(top, 'etc'), { mode: 0o755 });
  chmodSync(top, 0o755);
  file = join(top, 'etc/mandat.toml');
  writeFileSync(file, '', { mode: 0o644 });
});
t.afterEach(() => rmSync(top, { recursive: true }));

t.test('of the caller alone', async (t) => {
  t.equal(othersMayChange(file), undefined);
  chmodSync(file, 0o640);
  chmodSync(join(top, 'etc'), 0o750);
  t.equal(othersMayChange(file), undefined, 'that others may read it changes nothing');
});

t.test(
  'whoever else may write it, or put another in its place',
  { skip: !ROOT && 'only root gives files away' },
  async (t) => {
    const rows: readonly (readonly [what: string, change: () => void, says: RegExp])[] = [
      ['everybody', () => chmodSync(file, 0o646), /mandat\.toml may be written by everybody.*mode 646/],
      ['a group', () => chmodSync(file, 0o664), /by group 0 \(mode 664\)/],
      ["somebody else's file", () => chownSync(file, SOMEBODY, 0), /mandat\.toml belongs to user 65534/],
      ['its directory, by a group', () => chmodSync(join(top, 'etc'), 0o2775), /etc may be written by group/],
      ['its directory, of somebody else', () => chownSync(join(top, 'etc'), SOMEBODY, 0), /etc belongs to user/],
      ['the one above', () => chmodSync(top, 0o757), new RegExp(`${top} may be written by everybody`)],
      [
        "somebody else's link in a sticky directory",
        () => {
          chmodSync(join(top, 'etc'), 0o1777);
          writeFileSync(join(top, 'good.toml'), '');
          unlinkSync(file);
          symlinkSync(join(top, 'good.toml'), file);
          execute('chown', '-h', String(SOMEBODY), file);
        },
        /mandat\.toml belongs to user/,
      ],
      [
        'where a link leads',
        () => {
          mkdirSync(join(top, 'open'));
          chmodSync(join(top, 'open'), 0o777);
          writeFileSync(join(top, 'open/real.toml'), '');
          unlinkSync(file);
          symlinkSync('../open/real.toml', file);
        },
        /open may be written by everybody/,
      ],
      [
        'where a link of a directory passes through',
        () => {
          mkdirSync(join(top, 'open'));
          mkdirSync(join(top, 'closed'));
          writeFileSync(join(top, 'closed/real.toml'), '');
          symlinkSync(join(top, 'closed'), join(top, 'open/way'));
          chmodSync(join(top, 'open'), 0o777);
          unlinkSync(file);
          symlinkSync(join(top, 'open/way/real.toml'), file);
        },
        /open may be written by everybody/,
      ],
    ];
    for (const [what, change, says] of rows) {
      rmSync(join(top, 'etc'), { recursive: true });
      rmSync(join(top, 'open'), { recursive: true, force: true });
      rmSync(join(top, 'closed'), { recursive: true, force: true });
      chmodSync(top, 0o755);
      mkdirSync(join(top, 'etc'), { mode: 0o755 });
      writeFileSync(file, '', { mode: 0o644 });
      change();
      t.throws(() => loadConfig({ path: file, env: {}, cwd: '/' }), { name: 'ConfigError', message: says }, what);
      t.throws(
        () => loadConfig({ env: { MANDAT_CONFIG: file }, cwd: '/' }),
        { message: says },
        `${what}, by the variable`,
      );
    }
  },
);

t.test('a sticky directory keeps what is in it; links that nobody else made are followed', async (t) => {
  chmodSync(join(top, 'etc'), 0o1777);
  t.equal(othersMayChange(file), undefined);
  symlinkSync(file, join(top, 'link.toml'));
  t.equal(othersMayChange(join(top, 'link.toml')), undefined);
  symlinkSync(join(top, 'round'), join(top, 'round'));
  t.match(othersMayChange(join(top, 'round')), { message: /too many links/ });
});

t.test("as an ordinary user: one's own and root's", { skip: !ROOT && 'only root is another user' }, async (t) => {
  chownSync(file, SOMEBODY, SOMEBODY);
  t.equal(othersMayChange(file, SOMEBODY), undefined);
  t.match(othersMayChange(file, 4711), { message: /belongs to user 65534/ });
});

t.test('the command refuses it before anything is done', { skip: !ROOT && 'only root gives files away' }, async (t) => {
  writeFileSync(file, `data_dir = "${join(top, 'data')}"\n`);
  chownSync(file, SOMEBODY, SOMEBODY);
  const [node = '', ...args] = await builtMandat();
  t.match(await ran([node, ...args, '--config', file, 'init']), {
    status: 2,
    stdout: '',
    stderr: /belongs to user 65534.*\n.*chown root/,
  });
});
