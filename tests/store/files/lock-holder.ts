/** Holds the sidecar's lock until it is killed, or asks for it all the time. A process of its own, for lock.test.ts. */
import { isLocked, takeLock } from '../../../bridge/store/files/lock.ts';

const [, , file = '', doing] = process.argv;
// Kept for as long as we live: a database that nobody can reach any more is closed by the garbage collector, lock and all.
const lock = doing === 'hold' ? takeLock(file) : undefined;
process.once('exit', () => lock?.release());
console.log('ready');
process.stdin.on('end', () => process.exit()).resume(); // never outlives the test
const ask = () => {
  for (let i = 0; i < 500; i++) isLocked(file);
  setImmediate(ask);
};
if (doing === 'ask') ask();
