// Fails when a file of the product imports what it may not (import-rules.ts says what), or files import one another in a circle. Run by .ci/run.

import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { circles } from './import-circles.ts';
import { violations } from './import-rules.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const broken: string[] = [];
const sources = new Map<string, string>();
for (const room of ['acl', 'bridge', 'cli', 'config'])
  for (const name of await readdir(path.join(root, room), { recursive: true })) {
    if (!/\.[cm]?[jt]sx?$/.test(name)) continue;
    const file = path.posix.join(room, name);
    const source = await readFile(path.join(root, file), 'utf8');
    sources.set(file, source);
    broken.push(...violations(file, source));
  }
broken.push(...circles(sources).map((circle) => `a circle: ${[...circle, circle[0]].join(' -> ')}`));
for (const line of broken) console.error(line);
console.log(`import directions: ${sources.size} files, ${broken.length} refused`);
if (broken.length > 0 || sources.size === 0) process.exitCode = 1;
