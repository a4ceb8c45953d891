/**
 * `npm run proof -- --sequences N [--seed S] [--sites K] [--groups G] [--minutes M] [--keep-going] [--shrink-minutes M]` (0: left as it is), or `--replay FILE`; `--plain`: those that `npm test` plays, one group at a time: random histories against
 * real servers. `--having KIND`: only rounds with such a step in them, as the figures call it. `--without WORDS`, once or more: of a copy of the program without the guard of that name (tests/proof/guards), which they should find. G groups of people play side by side on a server, a history each. Round i is that of seed S + i, whichever site it runs at. Exit status 1 where one failed.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { allGuards } from '../guards/all-guards.ts';
import { copyOfTree } from '../guards/run-guard.ts';
import { type Item, itemsOf, lines } from './items.ts';
import { type Failed, type Figures, openRunner, type Runner, roundOf } from './runner.ts';
import { kindOf, type Step } from './steps.ts';

const { values } = parseArgs({
  options: {
    sequences: { type: 'string', default: '100' },
    seed: { type: 'string' },
    sites: { type: 'string', default: '2' },
    replay: { type: 'string' },
    plain: { type: 'boolean', default: false },
    times: { type: 'string', default: '1' },
    'keep-going': { type: 'boolean', default: false },
    minutes: { type: 'string' },
    'shrink-minutes': { type: 'string', default: '3' },
    having: { type: 'string' },
    without: { type: 'string', multiple: true },
    groups: { type: 'string', default: '8' },
  },
});

/** Between two lines of figures. */
const TELL_MS = 30_000;

const TREE = fileURLToPath(new URL('../../../', import.meta.url));

/** Of two sites one has INBOX's entry as the default of every folder, and one has not. */
const inheritAt = (site: number) => site % 2 === 0;

/** Steps of one group, or items of several. */
interface Script {
  readonly inherit: boolean;
  readonly groups?: number;
  readonly steps?: readonly Step[];
  readonly items?: readonly Item[];
}

if (values.without !== undefined) await withoutGuards(values.without);
else if (values.replay !== undefined) await replay(values.replay);
else await histories();

/** The same command, of a copy of the tree. */
async function withoutGuards(all: readonly string[]): Promise<void> {
  const copy = copyOfTree(TREE);
  try {
    for (const words of all) {
      const found = allGuards(TREE).filter(({ name }) => name.includes(words));
      const guard = found.find(({ name }) => name === words) ?? found[0];
      if (guard === undefined || (found.length > 1 && guard.name !== words))
        throw new Error(`${found.length} guards are called "${words}"`);
      const file = join(copy.directory, guard.file);
      writeFileSync(file, guard.without(readFileSync(file, 'utf8')));
      console.log(`without: ${guard.name}`);
    }
    const rest = process.argv
      .slice(2)
      .filter((arg, index, all) => arg !== '--without' && all[index - 1] !== '--without');
    const argv = ['--import', 'tsx', 'tests/proof/histories/main.ts', ...rest];
    process.exitCode = spawnSync(process.execPath, argv, { cwd: copy.directory, stdio: 'inherit' }).status ?? 2;
  } finally {
    copy.remove();
  }
}

async function replay(file: string): Promise<void> {
  const { inherit, groups = 1, steps = [], items = itemsOf(steps) } = JSON.parse(readFileSync(file, 'utf8')) as Script;
  const runner = openRunner({ inherit, groups });
  for (let time = 0; time < Number(values.times); time++) {
    const failed = await runner.run(items);
    if (failed !== undefined) {
      tell(failed);
      process.exitCode = 1;
      break;
    }
    console.log(`${file}: all held`);
  }
  await runner.close();
}

function hasStep(seed: number, kind: string, groups: number): boolean {
  const steps = roundOf(seed, { groups, plain: values.plain }).flatMap((item): readonly Step[] =>
    'own' in item ? item.own.flat() : [item.shared],
  );
  return steps.some((step) => (kindOf(step) ?? step.do) === kind);
}

async function histories(): Promise<void> {
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 30));
  const wanted = Number(values.sequences);
  const began = Date.now();
  const until = began + Number(values.minutes ?? Number.POSITIVE_INFINITY) * 60_000;
  const groups = values.plain ? 1 : Number(values.groups);
  console.log(`seed ${seed}, ${wanted} histories, ${groups} side by side, ${values.sites} sites`);
  let next = 0;
  let played = 0;
  let tellAt = 0;
  const told: number[] = [];
  let failures = 0;
  const runners = Array.from({ length: Number(values.sites) }, (_, site) =>
    openRunner({ inherit: inheritAt(site), plain: values.plain, groups }),
  );
  const figures = () => {
    const sum = (what: 'histories' | 'steps' | 'tries') =>
      runners.reduce((total, { figures }) => total + figures[what], 0);
    const seconds = (Date.now() - began) / 1000;
    return `${sum('histories')} histories held, ${sum('steps')} steps, ${sum('tries')} tries to get in, ${failures} failed; ${(seconds / Math.max(1, sum('histories'))).toFixed(2)} s a history, ${Math.round(seconds)} s`;
  };
  await Promise.all(
    runners.map(async (runner, site) => {
      while (played * groups < wanted && Date.now() < until && (failures === 0 || values['keep-going'])) {
        const index = next++;
        if (values.having !== undefined && !hasStep(seed + index, values.having, groups)) continue;
        played++;
        const failed = await runner.runSeed(seed + index);
        if (failed !== undefined) {
          failures++;
          const name = join(tmpdir(), `proof-${seed + index}`);
          writeFileSync(`${name}.log`, failed.everything);
          console.log(`round ${seed + index} (inherit: ${inheritAt(site)}) failed; all logs: ${name}.log`);
          tell(failed);
          const write = ({ steps: items }: Failed) => {
            const groups = Math.max(1, ...items.map((item) => ('own' in item ? item.own.length : 1)));
            const script: Script = { inherit: inheritAt(site), groups, items };
            writeFileSync(`${name}.json`, `${JSON.stringify(script, undefined, 1)}\n`);
          };
          write(failed);
          write(await shrunk(runner, failed));
          console.log(`again: npm run proof -- --replay ${name}.json`);
        }
        const { oddities } = runner.figures;
        for (const one of oddities.slice(told[site] ?? 0)) console.log(`odd, in round ${seed + index}: ${one}`);
        told[site] = oddities.length;
        if (Date.now() > tellAt) {
          tellAt = Date.now() + TELL_MS;
          console.log(figures());
        }
      }
    }),
  );
  console.log(figures());
  tellKinds(runners.map(({ figures }) => figures));
  await Promise.all(runners.map((runner) => runner.close()));
  process.exitCode = failures === 0 ? 0 : 1;
}

/** In how many of the histories each kind of step did something. */
function tellKinds(all: readonly Figures[]): void {
  const histories = all.reduce((sum, { histories }) => sum + histories, 0);
  const kinds = new Map<string, number>();
  for (const one of all) for (const [kind, n] of one.kinds) kinds.set(kind, (kinds.get(kind) ?? 0) + n);
  for (const [kind, n] of [...kinds].sort(([a], [b]) => (a < b ? -1 : 1)))
    console.log(`${((n / histories) * 100).toFixed(1).padStart(6)} %  ${kind}`);
}

/** What is left of it, told. */
async function shrunk(runner: Runner, failed: Failed): Promise<Failed> {
  if (Number(values['shrink-minutes']) === 0) return failed;
  const began = Date.now();
  const found = await runner.shrink(failed, Number(values['shrink-minutes']) * 60_000);
  if (found === undefined) {
    console.log('played again it held: it hangs on an instant, and is left as it is');
    return failed;
  }
  const { least, played, done } = found;
  const seconds = Math.round((Date.now() - began) / 1000);
  const rest = done ? '' : '; the time was over before each step had been tried';
  console.log(`from ${failed.steps.length} steps to ${least.steps.length}, ${played} played in ${seconds} s${rest}`);
  tell(least);
  return least;
}

function tell({ steps, message, log }: Failed): void {
  console.log(
    `${message}\n${lines(steps)
      .map((one, index) => `  ${index + 1}. ${one}`)
      .join('\n')}\n${log}`,
  );
}
