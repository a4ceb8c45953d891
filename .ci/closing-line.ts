// closing-line.ts TAP-FILE TAP-STATUS [STEP-THAT-FAILED...]: the last lines of .ci/run, and its exit status.

import { readFileSync } from 'node:fs';
import { tally } from './tally.ts';

const [file = '', status = '', ...failedSteps] = process.argv.slice(2);
const { passed, failed, skipped, broken } = tally(readOrEmpty(file));
const wrong = [...failedSteps.map((step) => `step failed: ${step}`), ...broken];
if (status !== '0' && failed + broken.length === 0) wrong.push(`tap ended with status ${status}`);
for (const line of wrong) console.log(line);
if (skipped > 0) console.log(`${skipped} skipped`);
console.log(`${passed} passed, ${failed + wrong.length} failed`);
process.exitCode = failed + wrong.length > 0 ? 1 : 0;

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
