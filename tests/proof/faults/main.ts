/**
 * `npm run proof:faults -- --count 1000 [--seed S] [--sites K]`, or `--every STEP [--only PLACE]` for a cut at every STEP-th octet of a whole grant and revoke at
 * each place and NO and BAD to each command, or `--octets STEP [--from N] [--skip N] [--pairs P]` for the same of IMAP and doveadm with many pairs at once, each with a fault
 * of its own, or `--silent SECONDS [--only PLACE]` for servers that fall silent, where the sidecar waits so long, or `--machine [--only WORDS]` for a machine in trouble. Exit status 1 when anything was broken.
 */
import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { Broken } from '../histories/history.ts';
import { troubles } from './all-troubles.ts';
import { PATIENCE_S, startFaultyWorld } from './faulty-world.ts';
import { lettersOut } from './inject.ts';
import { startManyPairs } from './many-pairs.ts';
import { everyJob, type Job, measureMany, noOctetFigures, type OctetFigures, surviveMany } from './octets.ts';
import { everyOne, planned, silences } from './plan.ts';
import { type Figures, measure, noFigures, survive } from './session.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '100' },
    seed: { type: 'string' },
    sites: { type: 'string', default: '1' },
    every: { type: 'string' },
    silent: { type: 'string' },
    minutes: { type: 'string' },
    octets: { type: 'string' },
    from: { type: 'string', default: '0' },
    skip: { type: 'string', default: '0' },
    pairs: { type: 'string', default: '32' },
    machine: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 30));
const sites = Number(values.sites);
const until = Date.now() + Number(values.minutes ?? 1e6) * 60_000;
const say = (line: string) => process.stdout.write(`${line}\n`);
let broken = 0;

async function site(number: number): Promise<Figures> {
  const figures = noFigures();
  const faulty = await startFaultyWorld(number % 2 === 0, Number(values.silent ?? PATIENCE_S));
  try {
    const measures = await measure(faulty);
    say(`site ${number}: ${JSON.stringify(measures)}`);
    const all =
      values.every !== undefined
        ? [...everyOne(measures, Number(values.every), values.only)].filter((_, at) => at % sites === number)
        : values.silent !== undefined
          ? [...silences(measures, values.only)].filter((_, at) => at % sites === number)
          : planned(measures, seed + number, Math.ceil(Number(values.count) / sites));
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

/** By what it is and the seed alone: `--skip` means the same jobs where some more or fewer octets were measured. */
const placeOf = ({ change, on, fault }: Job) =>
  createHash('sha256')
    .update(JSON.stringify([seed, change, on, fault]))
    .digest('hex');

/** Of `--octets`: every sites-th of the jobs, mixed, so that a run that is ended early has something of each kind. */
async function manyPairs(number: number): Promise<OctetFigures> {
  const figures = noOctetFigures();
  const many = await startManyPairs(Number(values.pairs), number % 2 === 0);
  try {
    const sizes = await measureMany(many);
    say(`site ${number}: ${JSON.stringify(sizes)}`);
    const all = everyJob(sizes, Number(values.octets), Number(values.from));
    const mixed = all.map((job) => ({ job, order: placeOf(job) })).sort((a, b) => (a.order < b.order ? -1 : 1));
    const mine = mixed
      .slice(Number(values.skip))
      .filter((_, at) => at % sites === number)
      .map(({ job }) => job);
    say(`site ${number}: ${mine.length} of ${all.length} faults`);
    let tell = Date.now() + 60_000;
    await surviveMany(many, mine, figures, () => {
      if (Date.now() > tell) {
        tell += 60_000;
        say(
          `site ${number}: ${figures.happened} so far, in ${figures.rounds} rounds, ${figures.beyond} beyond the end`,
        );
      }
      return Date.now() < until;
    });
  } catch (error) {
    broken++;
    const log = many.sidecar
      .log()
      .slice(-25)
      .map((line) => JSON.stringify(line));
    say(
      `BROKEN at site ${number}: ${error instanceof Broken ? error.message : (error as Error).stack}\n${log.join('\n')}`,
    );
  } finally {
    await many.stop();
  }
  return figures;
}

if (values.octets !== undefined) {
  say(`seed ${seed}`);
  const figures = await Promise.all(Array.from({ length: sites }, (_, number) => manyPairs(number)));
  for (const [number, one] of figures.entries()) say(`site ${number}: ${JSON.stringify(one)}`);
  say(`${figures.reduce((sum, { happened }) => sum + happened, 0)} faults, ${broken} broken`);
  process.exit(broken === 0 ? 0 : 1);
}
if (values.machine) {
  await troubles(values.only, ({ what, wrong, said, notTried }) => {
    if (wrong.length > 0) broken++;
    const how = notTried !== undefined ? 'NOT TRIED' : wrong.length === 0 ? 'survived' : 'BROKEN';
    const more = notTried ?? (said === '' ? undefined : `said: ${said}`);
    say(`${how}  ${what}${more === undefined ? '' : ` (${more})`}`);
    for (const one of wrong) say(`    ${one}`);
  });
  process.exit(broken === 0 ? 0 : 1);
}
say(`seed ${seed}`);
const figures = await Promise.all(Array.from({ length: sites }, (_, number) => site(number)));
for (const [number, one] of figures.entries()) say(`site ${number}: ${JSON.stringify(one)}`);
say(`${figures.reduce((sum, { happened }) => sum + happened, 0)} faults, ${broken} broken`);
process.exit(broken === 0 ? 0 : 1);
