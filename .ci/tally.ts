// Reads the TAP of a whole run (tap --output-file) and says what came of it.
//
// Counted are the leaves: assertions and single cases. The line that ends a subtest only repeats them, unless it fails by
// itself: a file that crashed, timed out, or ended before its plan has no failing leaf to show for it.

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What failed, each with the file and the subtests it is in, and what was found where something else was wanted. */
  readonly failures: readonly string[];
  /** Why the run as a whole proves nothing, whatever its leaves say. */
  readonly broken: readonly string[];
}

const POINT = /^( *)(not )?ok\b *\d* *-? *(.*)$/;
const PLAN = /^1\.\.(\d+)/;

export function tally(tap: string): Tally {
  let passed = 0;
  let skipped = 0;
  let failed = 0;
  let files = 0;
  let wholly = 0;
  let planned: number | undefined;
  const broken: string[] = [];
  const failures: string[] = [];
  /** Whether the line before told of a failure, whose diagnosis may follow. */
  let hasFailed = false;
  /** By depth: the subtest that is open there, and the failures that were counted before it began. */
  const open = new Map<number, { name: string; before: number }>();
  const within = (depth: number) => [...open].filter(([of]) => of < depth).map(([, { name }]) => name);
  for (const { line, diff } of withDiagnoses(tap)) {
    if (hasFailed && diff !== undefined) failures.push(`${failures.pop()}${diff}`);
    hasFailed = false;
    if (diff !== undefined) continue;
    const subtest = /^( *)# Subtest: (.*)$/.exec(line);
    if (subtest) open.set(depthOf(subtest[1]), { name: subtest[2] ?? '', before: failed });
    if (/^ *Bail out!/.test(line)) broken.push(line.trim());
    planned = PLAN.test(line) ? Number(PLAN.exec(line)?.[1]) : planned;
    const point = POINT.exec(line);
    if (!point) continue;
    const [, indent, not, rest = ''] = point;
    const depth = depthOf(indent);
    const failedBefore = open.get(depth)?.before;
    open.delete(depth);
    if (depth === 0) files++;
    if (depth === 0 && /# SKIP no tests found/i.test(rest)) broken.push(`no test in ${rest.split(' # ')[0]}`);
    else if (/# (?:SKIP|TODO)/i.test(rest)) {
      skipped++;
      if (depth === 0) wholly++;
    } else if (not && (failedBefore === undefined || failedBefore === failed)) {
      failed++;
      failures.push([...within(depth), rest].join(' > '));
      hasFailed = true;
    } else if (!not && failedBefore === undefined) passed++;
  }
  if (planned === undefined || files !== planned)
    broken.push(`${files} of ${planned ?? 'unknown'} test files reported`);
  // Where each file says why it was skipped, that is what came of it: servers that this machine can't have.
  if (passed + failed === 0 && (wholly === 0 || wholly !== files)) broken.push('no test ran');
  return { passed, failed, skipped, failures, broken };
}

/** Characters of what was found and wanted that are told of a failure. */
const MOST = 400;

/** Each line; of a YAML block, which quotes sources and output that may look like anything, only what its `diff` says, in one. */
function* withDiagnoses(tap: string): Generator<{ readonly line: string; readonly diff?: string }> {
  let block: { readonly end: string; differs: boolean; diff: string } | undefined;
  for (const line of tap.split('\n')) {
    if (block === undefined && !/^ *---$/.test(line)) yield { line };
    else if (block === undefined) block = { end: line.replace('---', '...'), differs: false, diff: '' };
    else if (line === block.end) {
      yield { line, diff: block.diff.length > MOST ? `${block.diff.slice(0, MOST)}…` : block.diff };
      block = undefined;
    } else if (line.search(/\S/) === block.end.search(/\S/)) block.differs = / diff: \|/.test(line);
    else if (block.differs && /^ *[-+](?!--|\+\+)/.test(line)) block.diff += ` ${line.trim()}`;
  }
}

function depthOf(indent = ''): number {
  return indent.length / 4;
}
