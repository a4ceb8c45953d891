// Fails when a file of the product imports what it may not (import-rules.ts says what). Run by .ci/run.

import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { violations } from './import-rules.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const broken: string[] = [];
let files = 0;
for (const room of ['acl', 'bridge', 'cli', 'config'])
  for (const name of await readdir(path.join(root, room), { recursive: true })) {
    if (!/\.[cm]?[jt]sx?$/.test(name)) continue;
    files++;
    const file = path.posix.join(room, name);
    broken.push(...violations(file, await readFile(path.join(root, file), 'utf8')));
  }
for (const line of broken) console.error(line);
console.log(`import directions: ${files} files, ${broken.length} refused`);
if (broken.length > 0 || files === 0) process.exitCode = 1;
