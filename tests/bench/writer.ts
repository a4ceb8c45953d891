/** Another program that commits to the delegation table: reads how many commits to make, answers when the last one returned. */
import { createInterface } from 'node:readline';
import Database from 'better-sqlite3';

const [file = '', synchronous = 'FULL'] = process.argv.slice(2);
const database = new Database(file);
database.pragma(`synchronous = ${synchronous}`);
const change = database.prepare('UPDATE counters SET version = version + 1');

process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  for (let index = 0; index < Number(line); index++) change.run();
  process.stdout.write(`${process.hrtime.bigint()}\n`);
}
