/** The firewall fragment in a network of its own: mandat reaches the re-injection port, nobody else does, and the doctor tells. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import t from 'tap';
import { NODE } from '../cli/built.ts';

const alone = (...command: readonly string[]) =>
  spawnSync('unshare', ['--net', ...command], { encoding: 'utf8', cwd: path.resolve(import.meta.dirname, '../..') });
const possible = alone('nft', 'list', 'ruleset').status === 0;

t.test(
  'nobody but the user that mandat runs as',
  { skip: possible ? false : 'no network of its own can be made here', timeout: 120_000 },
  async (t) => {
    const program = path.join(import.meta.dirname, 'firewalled.ts');
    const { status, stdout, stderr } = alone(...NODE, '--import', 'tsx', program, 'games', 'man');
    t.equal(status, 0, stderr);
    const [open, guarded, wrong, ...more] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    t.match(open, {
      status: 'fail',
      seen: /^every user of this machine reaches/,
      remedy: 'config/nftables/mandat.nft',
    });
    t.match(guarded, { allowed: 'games', status: 'ok', seen: /answers mandat, and not user nobody$/ });
    t.match(wrong, {
      allowed: 'man',
      status: 'fail',
      seen: /^Postfix does not answer on .*, asked by user \d+, who owns data_dir$/,
      remedy: /mandat\.nft the user that mandat runs as/,
    });
    t.same(more, []);
  },
);
