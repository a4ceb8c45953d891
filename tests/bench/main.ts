/**
 * npm run bench [-- --only start,grant,rights,bare,revoke,wake,sender,directory,sweep,converged,beside,besideload,firstrevoke,first,shares,growth,submission,trace,move,takeover,long] [--quick] [--mailboxes N] [--write]: the figures, all as ratios in one run.
 * --write puts the table into docs/performance.md.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { dovecotVersion } from '../../config/lab/dovecot-version.ts';
import { startSite } from '../servers/site.ts';
import { bareFigures } from './bare.ts';
import { besideLoadFigures } from './beside-load.ts';
import { besideSweepFigures } from './beside-sweep.ts';
import { convergedFigures } from './converged.ts';
import { directoryFigures } from './directory.ts';
import { besideSharesFigures, firstPassFigures, longPassFigures } from './first-pass.ts';
import { type GrantFigures, grantFigures } from './grant.ts';
import { besideFirstPassFigures } from './growth/beside-first-pass.ts';
import { coldStart } from './growth/cold-start.ts';
import { growthFigures } from './growth/figures.ts';
import { type Comparison, ms, PAIRS, quantile, row } from './pairs.ts';
import { revokeFigures } from './revoke.ts';
import { rightsFigures } from './rights.ts';
import { lookupFigures, publishFigures } from './sender.ts';
import { sharesFigures } from './shares.ts';
import { startFigures } from './start.ts';
import { submissionFigures } from './submission.ts';
import { sweepFigures } from './sweep.ts';
import type { TakeOver } from './take-over.ts';
import { type Rate, revokeBesideTrace, traceFigures } from './trace/figures.ts';
import { idleCpu, wakeFigures } from './wake.ts';

const { values } = parseArgs({
  options: {
    only: {
      type: 'string',
      default:
        'start,grant,rights,bare,revoke,wake,sender,directory,sweep,converged,beside,besideload,firstrevoke,first,shares,growth,submission,trace',
    },
    quick: { type: 'boolean', default: false },
    mailboxes: { type: 'string', default: '1000' },
    write: { type: 'boolean', default: false },
  },
});
const chosen = new Set(values.only.split(','));
const pairs = values.quick ? 7 : PAIRS;
const sections: string[] = [];

function section(title: string, head: readonly string[], rows: readonly (readonly string[])[]): void {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const text = [`## ${title}`, '', line(head), line(head.map(() => '---')), ...rows.map(line), ''].join('\n');
  console.log(text);
  sections.push(text);
}

const HEAD = ['what', 'ours', 'floor', 'ours / floor: median (middle half of the pairs)'];

if (chosen.has('start')) {
  const figures = await startFigures(4 * pairs);
  section(
    'A command, from its start to its end',
    ['what', 'ours', '`node -e 0`', 'ours / floor: median (middle half of the pairs)', 'aimed at'],
    figures.map((one) => [...row(one), `${one.atMost}, ${one.ratio <= one.atMost ? 'met' : 'not met'}`]),
  );
}
if (chosen.has('grant')) {
  const figures: GrantFigures[] = [];
  for (const inherit of [true, false]) {
    for (const folders of values.quick ? [10, 100] : [10, 100, 1000])
      figures.push(await grantFigures(folders, inherit, pairs));
  }
  section(
    'Grant, in force',
    HEAD,
    figures.map(({ first }) => row(first)),
  );
  section(
    'Grant, whole tree verified',
    [...HEAD, '`doveadm acl set` in a loop'],
    figures.map(({ second, loop }) => [...row(second), ms(loop)]),
  );
}
if (chosen.has('rights')) {
  const figures: Comparison[] = [];
  for (const folders of values.quick ? [100] : [100, 1000]) {
    const figure = await rightsFigures(folders, pairs);
    if (figure !== undefined) figures.push(figure);
  }
  const title = "A tree's rights in one answer";
  if (figures.length > 0)
    section(title, ['what', 'in one answer', 'one by one', 'ratio: median (middle half)'], figures.map(row));
  else console.log(`${title}: this server doesn't offer LIST-MYRIGHTS\n`);
}
if (chosen.has('bare')) {
  const figures: Comparison[] = [];
  for (const listIndex of [true, false]) figures.push(await bareFigures(values.quick ? 500 : 5000, listIndex, 3));
  section('The first grant in a mailbox without indexes', HEAD, figures.map(row));
}
if (chosen.has('revoke')) {
  const figures: Comparison[] = [];
  for (const folders of values.quick ? [10, 100] : [10, 100, 1000]) figures.push(await revokeFigures(folders, pairs));
  section('Revoke: BYE and a refused SELECT', HEAD, figures.map(row));
}
if (chosen.has('wake')) {
  const site = await startSite({ reuse: false, users: ['alice'], postfix: false });
  try {
    const rows: string[][] = [];
    for (const synchronous of ['FULL', 'NORMAL'] as const) {
      for (const kind of ['isolated', 'burst'] as const) {
        const figure = await wakeFigures(site, synchronous, kind, 50);
        rows.push([
          `${kind}, synchronous=${synchronous}`,
          `${figure.noticed} of ${figure.commits}`,
          ms(figure.median),
          ms(figure.worst),
        ]);
      }
    }
    section('Wake-up after a commit by another process', ['commits', 'noticed by the watch', 'median', 'worst'], rows);
    const sidecar = await site.run();
    section(
      'An idle sidecar',
      ['what', 'of one core'],
      [['processor time over 30 s', `${(await idleCpu(sidecar.pid, 30)).toFixed(2)} %`]],
    );
    await sidecar.end();
  } finally {
    await site.stop();
  }
}
if (chosen.has('sender')) {
  const large = values.quick ? 100_000 : 1_000_000;
  section('Publishing one change', HEAD, [row(await publishFigures(10, 51)), row(await publishFigures(large, 51))]);
  const lookups = await lookupFigures(100_000);
  section(
    'Postfix lookups a second, 100,000 rows',
    ['map', 'at rest', 'while it is published without pause'],
    lookups.map(({ map, quiet, published }) => [
      map,
      quiet.toLocaleString('en'),
      published?.toLocaleString('en') ?? '-',
    ]),
  );
}
if (chosen.has('directory')) {
  const { importing, memory, searching, p99 } = await directoryFigures(values.quick ? 240_000 : 2_400_000, 7);
  section('The directory: importing, searching', HEAD, [row(importing), row(searching)]);
  section(
    'The directory: memory, and the slowest of a hundred searches',
    ['what', 'figure'],
    [
      ['peak resident memory, a tenth of the lines', `${memory[0]} MB`],
      ['peak resident memory, all of them', `${memory[1]} MB`],
      ['p99 of a search', ms(p99[0])],
      ['p99 of a bare indexed lookup', ms(p99[1])],
    ],
  );
}
if (chosen.has('shares')) {
  const figures: Comparison[] = [];
  for (const keeper of ['file', 'mandat'] as const) {
    for (const many of values.quick ? [1000] : [1000, 5000, 10_000])
      figures.push(await sharesFigures(keeper, 100, many, pairs));
  }
  const head = ['what', 'with many', 'with few', 'ratio: median (middle half of the pairs)'];
  section('SETACL, by the shares on the whole server', head, figures.map(row));
}
if (chosen.has('sweep')) {
  const { mailboxes, delegations, seconds, peakMb } = await sweepFigures(Number(values.mailboxes));
  section(
    'One full sweep from nothing',
    ['mailboxes', 'delegations', 'took', 'peak resident memory of the sidecar'],
    [[String(mailboxes), String(delegations), `${seconds.toFixed(0)} s`, `${peakMb} MB`]],
  );
}

if (chosen.has('converged')) {
  const { person, pair } = await convergedFigures(60, 5, values.quick ? 3 : pairs);
  // One login a pair is the least that a sweep of one login a pair would take.
  const aimed = (figure: Comparison, most: number) => [
    ...row(figure),
    `${most.toFixed(2)}, ${figure.ratio <= most ? 'met' : 'not met'}`,
  ];
  section('A sweep where all is as it should be', [...HEAD, 'aimed at'], [aimed(person, 1.3), aimed(pair, 1 / 3)]);
}
if (chosen.has('beside')) {
  const figures: Comparison[] = [];
  for (const accounts of ['known', 'unknown'] as const)
    figures.push(await besideSweepFigures(values.quick ? 60 : 600, accounts, pairs));
  section('A grant beside a sweep', ['what', 'beside a sweep', 'at rest', HEAD[3] ?? ''], figures.map(row));
}
if (chosen.has('besideload')) {
  const figures = await besideLoadFigures(values.quick ? 7 : 21);
  section(
    'A revoke beside everything at once',
    ['what', 'beside it', 'at rest', HEAD[3] ?? '', 'aimed at'],
    figures.map((one) => [...row(one), `2, ${one.ratio <= 2 ? 'met' : 'not met'}`]),
  );
}
if (chosen.has('firstrevoke')) {
  const { compared, waiting } = await besideFirstPassFigures(1000, pairs);
  const head = ['what', 'beside it', 'empty queue', 'ratio: median (middle half of the pairs)', 'aimed at'];
  const met = compared.ratio <= 2 ? 'met' : 'not met';
  section('A revoke beside a first pass', head, [[...row(compared), `2, ${met}`]]);
  console.log(`Mailboxes that waited before the first of these revokes and after the last: ${waiting.join(', ')}\n`);
}
if (chosen.has('first')) {
  const { inForce, verified } = await firstPassFigures(values.quick ? 24 : 100, 5, 3);
  const beside = await besideSharesFigures(20, 5, [100, 10_000], 3);
  const figures = [inForce, verified, beside.inForce, beside.verified];
  section('A first pass, through `mandat shares`', HEAD, figures.map(row));
}
if (chosen.has('long')) {
  const { inForce, verified, last } = await longPassFigures(values.quick ? 40 : Number(values.mailboxes), 10);
  section('A long first pass, through `mandat shares`', HEAD, [inForce, verified].map(row));
  console.log(
    `Of ${last.delegations.toLocaleString('en')} delegations the last tenth took ${last.ratio.toFixed(2)} times as long as the first.`,
  );
}
if (chosen.has('move')) {
  const { moveFigures } = await import('./move.ts');
  const figures = await moveFigures(values.quick ? 100_000 : 1_000_000);
  section(
    'Moving into PostgreSQL, and back',
    ['what', 'rows', 'rows a second', 'nobody could write for', 'peak resident memory'],
    figures.map(({ way, rows, seconds, heldMs, peakMb }) => [
      way,
      rows.toLocaleString('en'),
      Math.round(rows / seconds).toLocaleString('en'),
      `${(heldMs / 1000).toFixed(1)} s`,
      `${peakMb} MB`,
    ]),
  );
}
if (chosen.has('takeover')) {
  const { ofSetting, takeOverFigures } = await import('./take-over.ts');
  const figures: TakeOver[] = [];
  for (const seconds of values.quick ? [3] : [10, 3])
    figures.push(...(await takeOverFigures(seconds, values.quick ? 3 : 7)));
  section(
    'A take-over, from when the first sidecar is gone until a revoke of that moment is obeyed',
    ['the first is', 'takeover_seconds', 'rounds', 'median, of the setting', 'longest, of the setting', 'aimed at'],
    figures.map((one) => {
      const [median, worst] = ofSetting(one);
      const met = worst <= 1 ? 'met' : 'not met';
      return [
        one.way,
        `${one.takeoverSeconds}`,
        `${one.took.length}`,
        median.toFixed(2),
        worst.toFixed(2),
        `1, ${met}`,
      ];
    }),
  );
}
if (chosen.has('growth')) {
  const large = values.quick ? 100_000 : 1_000_000;
  const { compared, peakMb, lists } = await growthFigures(1000, large, pairs);
  section(
    'Growth with the table',
    ['what', `${large.toLocaleString('en')} delegations`, '1,000', 'ratio: median (middle half of the pairs)'],
    compared.map(row),
  );
  section(
    'What prints all there is: peak resident memory',
    ['command', `${large.toLocaleString('en')} delegations`, '1,000'],
    lists.map(({ what, peakMb: [few, many] }) => [what, `${many} MB`, `${few} MB`]),
  );
  const starts = [await coldStart(0), await coldStart(large)];
  section(
    'A start on a table that nobody has worked off: revokes by name meanwhile, from the commit to the BYE',
    [
      'delegations',
      'the first, at the start',
      'median of those in the first 15 s',
      'peak resident memory of the sidecar',
    ],
    starts.map((one) => {
      const took = one.revokes.map(({ tookMs }) => tookMs);
      return [one.delegations.toLocaleString('en'), ms(took[0] ?? 0), ms(quantile(took, 0.5)), `${one.peakMb} MB`];
    }),
  );
  console.log(`Peak resident memory of a sidecar on a table that was worked off: ${peakMb.join(' and ')} MB\n`);
}

if (chosen.has('trace')) {
  const { commands, taken, octets, accesses } = await traceFigures(pairs, values.quick);
  const perSecond = (count: number, ms: number) => Math.round((count / ms) * 1000).toLocaleString('en');
  const rates = ({ compared, count }: Rate, aim: readonly string[] = []) => {
    const [what = '', , , ratio = ''] = row(compared);
    return [what, perSecond(count, compared.ours), perSecond(count, compared.floor), ratio, ...aim];
  };
  const TIME = 'time, ours / floor: median (middle half of the pairs)';
  section(
    'IMAP commands a second, with the trace of access and without',
    ['what a delegate does', 'with', 'without', TIME, 'of them stand in the trace'],
    commands.map((one) => rates(one, [one.traced === undefined ? '-' : `${(one.traced * 100).toFixed(1)} %`])),
  );
  const reached = taken.count / taken.compared.ours >= 5;
  section(
    'Events taken a second, until they stand in the trace',
    ['what', 'ours', 'a bare HTTP sink', TIME, 'aimed at'],
    [rates(taken, [`5,000, ${reached ? 'met' : 'not met'}`])],
  );
  section(
    'The trace on disk',
    ['accesses', 'octets each', 'aimed at'],
    [[accesses.toLocaleString('en'), octets.toFixed(1), `150, ${octets <= 150 ? 'met' : 'not met'}`]],
  );
  section(
    'A revoke beside the trace',
    ['what', 'events to the trace', 'events to a bare sink', HEAD[3] ?? ''],
    [row(await revokeBesideTrace(pairs, 500))],
  );
}
const machine = `Measured ${new Date().toISOString().slice(0, 10)} on ${os.cpus().length} cores (${os.cpus()[0]?.model ?? 'unknown'}), ${Math.round(os.totalmem() / 2 ** 30)} GiB, Linux ${os.release()}, Node ${process.version}, Dovecot ${dovecotVersion() === '2.3' ? '2.3 and Postfix 3.7 of Debian 12' : '2.4 and Postfix 3.10 of Debian 13'} on the same machine.`;
console.log(machine);
if (chosen.has('submission')) {
  const rounds = values.quick ? 3 : 7;
  const figures = await submissionFigures([
    { size: 10_000, connections: 1, each: 30, rounds },
    { size: 10_000, connections: 20, each: 10, rounds },
    { size: 10_000_000, connections: 1, each: 3, rounds },
    ...(values.quick ? [] : [{ size: 10_000_000, connections: 20, each: 1, rounds: 3 }]),
  ]);
  section(
    'Submission',
    [
      'message',
      'connections',
      'way',
      'messages/s',
      'of without: median (middle half)',
      'median latency',
      'memory grown',
    ],
    figures.map(({ way, size, connections, perSecond, medianMs, ofWithout: [median, low, high], grownMb }) => [
      `${size / 1000} kB`,
      String(connections),
      way,
      perSecond.toFixed(1),
      way === 'without' ? '' : `${median.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`,
      ms(medianMs),
      grownMb === undefined ? '' : `${grownMb.toFixed(0)} MB`,
    ]),
  );
}
if (values.write) {
  const file = path.resolve(import.meta.dirname, '../../docs/performance.md');
  const [before = ''] = readFileSync(file, 'utf8').split('<!-- figures -->');
  writeFileSync(file, `${before}<!-- figures -->\n\n${machine}\n\n${sections.join('\n')}`);
}
