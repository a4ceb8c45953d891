/** Makes the databases and the key of a directory when told to on standard input, and says the key. A process of its own, for init-race.test.ts. */
import { readSync } from 'node:fs';
import { initialise } from '../../../bridge/store/databases.ts';
import { dataFiles } from '../../../bridge/store/files/data-files.ts';
import { sealKey } from '../../../bridge/store/trail/sealing.ts';

const [, , directory = ''] = process.argv;
console.log('ready');
readSync(0, Buffer.alloc(8));
try {
  const files = dataFiles(directory);
  initialise(files);
  console.log(sealKey(files.sealKey).toString('hex'));
} catch (error) {
  console.error(error);
}
