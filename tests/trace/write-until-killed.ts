/** Writes batches of a hundred accesses and says the number of each when it is acknowledged, until somebody ends it. */
import { writeSync } from 'node:fs';
import { openTraceWriter } from '../../bridge/trace/trace-writing.ts';
import { KEY, madeAccess } from './made-access.ts';

const writer = openTraceWriter(process.argv[2] ?? '', KEY, () => new Date('2026-05-10T08:00:00Z'));
for (let batch = 1; ; batch++) {
  writer.keep(
    Array.from({ length: 100 }, (_, n) => madeAccess(batch * 100 + n, batch)),
    { 'read test': String(batch) },
  );
  writeSync(1, `${batch}\n`);
}
