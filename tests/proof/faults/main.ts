/**
 * `npm run proof:faults -- --count 1000 [--seed S] [--sites K]`, or `--every STEP` for a cut at every STEP-th octet of a whole grant and revoke at
 * each place and NO and BAD to each command, or `--machine` for a machine in trouble. Exit status 1 when anything was broken.
 */
import { parseArgs } from 'node:util';
import { Broken } from '../histories/history.ts';
import { startFaultyWorld } from './faulty-world.ts';
import { lettersOut } from './inject.ts';
import { troubles } from './machine.ts';
import { everyOne, planned } from './plan.ts';
import { type Figures, measure, noFigures, survive } from './session.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '100' },
    seed: { type: 'string' },
    sites: { type: 'string', default: '1' },
    every: { type: 'string' },
    minutes: { type: 'string' },
    machine: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 30));
const sites = Number(values.sites);
const until = Date.now() + Number(values.minutes ?? 1e6) * 60_000;
const say = (line: string) => process.stdout.write(`${line}\n`);
let broken = 0;

async function site(number: number): Promise<Figures> {
  const figures = noFigures();
  const faulty = await startFaultyWorld(number % 2 === 0);
  try {
    const measures = await measure(faulty);
    say(`site ${number}: ${JSON.stringify(measures)}`);
    const all =
      values.every === undefined
        ? planned(measures, seed + number, Math.ceil(Number(values.count) / sites))
        : [...everyOne(measures, Number(values.every))].filter((_, at) => at % sites === number);
    let next = Date.now() + 60_000;
    await survive(faulty, all, figures, () => {
      if (Date.now() > next) {
        next += 60_000;
        say(`site ${number}: ${figures.happened} so far`);
      }
      return Date.now() < until;
    });
    await lettersOut(faulty);
  } catch (error) {
    broken++;
    say(
      `BROKEN at site ${number}: ${error instanceof Broken ? error.message : (error as Error).stack}\n${faulty.world.log()}`,
    );
  } finally {
    await faulty.stop();
  }
  return figures;
}

if (values.machine) {
  await troubles(({ what, wrong, said }) => {
    if (wrong.length > 0) broken++;
    say(`${wrong.length === 0 ? 'survived' : 'BROKEN'}  ${what}${said === '' ? '' : ` (said: ${said})`}`);
    for (const one of wrong) say(`    ${one}`);
  });
  process.exit(broken === 0 ? 0 : 1);
}
say(`seed ${seed}`);
const figures = await Promise.all(Array.from({ length: sites }, (_, number) => site(number)));
for (const [number, one] of figures.entries()) say(`site ${number}: ${JSON.stringify(one)}`);
say(`${figures.reduce((sum, { happened }) => sum + happened, 0)} faults, ${broken} broken`);
process.exit(broken === 0 ? 0 : 1);
