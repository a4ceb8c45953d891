import t from 'tap';
import { CHECKS } from '../../bridge/doctor/checks.ts';
import { type Line, runChecks } from '../../bridge/doctor/examine.ts';
import type { Subject } from '../../bridge/doctor/examined-site.ts';
import { type Check, type Finding, fail, ok, skipped, warn } from '../../bridge/doctor/finding.ts';
import { Failure } from '../../bridge/shared/failure.ts';
import { ConfigError } from '../../config/mistake.ts';

const check = (name: string, look: () => Finding | Promise<Finding>, ...needs: readonly Check[]): Check => ({
  name,
  needs,
  look,
});

async function run(...checks: readonly Check[]): Promise<Record<string, Line>> {
  const told: Line[] = [];
  const lines = await runChecks(checks, {} as Subject, (line) => told.push(line));
  t.same(told, lines, 'each was told as it was found');
  return Object.fromEntries(lines.map((line) => [line.check, line]));
}

t.test('a check is made when what it needs is there, warnings or not', async (t) => {
  const good = check('good', () => ok('it is there'));
  const doubtful = check('doubtful', async () => warn('hm', 'look at it'), good);
  const bad = check('bad', () => fail('no', 'mend it'), doubtful);
  const never = () => {
    throw new Error('it was made all the same');
  };
  const lines = await run(
    good,
    doubtful,
    bad,
    check('next', never, good, bad),
    check('last', () => skipped('why'), good),
  );
  t.match(lines.doubtful, { status: 'warn', seen: 'hm', remedy: 'look at it' });
  t.match(lines.next, { status: 'skipped', seen: 'because "bad" failed', remedy: '' });
  t.match(lines.last, { status: 'skipped', seen: 'why' });
});

t.test('what needs a skipped check is skipped as well', async (t) => {
  const bad = check('bad', () => fail('no', 'mend it'));
  const next = check('next', () => ok(''), bad);
  const lines = await run(
    bad,
    next,
    check('last', () => ok(''), next),
  );
  t.match(lines.last, { status: 'skipped', seen: 'because "bad" failed' }, 'the first cause');
  const idle = check('idle', () => skipped('not configured'));
  const more = await run(
    idle,
    check('last', () => ok(''), idle),
  );
  t.match(more.last, { status: 'skipped', seen: 'because "idle" was skipped' });
});

t.test('whatever a check throws is a finding, with a remedy', async (t) => {
  const denied = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
  const mistakes = [
    { path: 'imap.port', message: 'is wrong', remedy: 'right it' },
    { path: 'imap.host', message: 'is too', remedy: 'that one too' },
  ];
  const cases: readonly [thrown: unknown, seen: string, remedy: RegExp][] = [
    [new Failure('config', 'no such thing', 'make one'), 'no such thing', /^make one$/],
    [new Failure('retry', 'away'), 'away', /log/],
    [new ConfigError('file', mistakes), 'is wrong; is too', /^right it; that one too$/],
    [denied, 'EACCES: permission denied', /as root/],
    [new TypeError('x is not a function'), 'x is not a function', /defect of mandat/],
    ['a text', 'a text', /./],
  ];
  for (const [thrown, seen, remedy] of cases) {
    for (const look of [
      () => {
        throw thrown;
      },
      async () => Promise.reject(thrown),
    ]) {
      const { one } = await run(check('one', look));
      t.match(one, { status: 'fail', seen, remedy }, seen);
    }
  }
});

t.test('the list: each once, and after what it needs', async (t) => {
  t.equal(new Set(CHECKS.map(({ name }) => name)).size, CHECKS.length, 'names differ');
  for (const [at, { name, needs }] of CHECKS.entries())
    for (const need of needs)
      t.ok(CHECKS.indexOf(need) >= 0 && CHECKS.indexOf(need) < at, `${name} after ${need.name}`);
});
