// closing-line.ts NAME=STATUS:TAP-FILE... [-- STEP-THAT-FAILED...]: the last lines of .ci/run, and its exit status. One NAME=... for each run
// of tests: the exit status of `.ci/test` and what it wrote.

import { readFileSync } from 'node:fs';
import { tally } from './tally.ts';

/** Failures that are named here once more, of each run: a log may be read from its end alone. */
const MOST = 40;

const given = process.argv.slice(2);
const dash = given.includes('--') ? given.indexOf('--') : given.length;
const wrong = given.slice(dash + 1).map((step) => `step failed: ${step}`);
const sum = { passed: 0, failed: 0, skipped: 0 };
for (const run of given.slice(0, dash)) {
  const [, name = '', status = '', file = ''] = /^([^=]+)=(\d*):(.*)$/.exec(run) ?? [run, run];
  const { passed, failed, skipped, failures, broken } = tally(readOrEmpty(file));
  sum.passed += passed;
  sum.failed += failed;
  sum.skipped += skipped;
  wrong.push(...broken.map((why) => `${name}: ${why}`));
  if (status !== '0' && failed + broken.length === 0) wrong.push(`${name}: ended with status ${status || 'unknown'}`);
  for (const failure of failures.slice(0, MOST)) console.log(`${name}: failed: ${failure}`);
  if (failures.length > MOST) console.log(`${name}: failed: ${failures.length - MOST} more`);
  console.log(`${name}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
}
if (sum.passed + sum.failed === 0) wrong.push('no test ran');
for (const line of wrong) console.log(line);
if (sum.skipped > 0) console.log(`${sum.skipped} skipped`);
console.log(`${sum.passed} passed, ${sum.failed + wrong.length} failed`);
process.exitCode = sum.failed + wrong.length > 0 ? 1 : 0;

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
