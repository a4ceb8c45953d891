// Exit 0 when node_modules holds what package-lock.json asks for and the native module loads; else says why and exits 1.
// Looks at what is there rather than at times of change: a git checkout touches the lock file without changing it.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const root = new URL('../', import.meta.url);
const read = (path) => JSON.parse(readFileSync(new URL(path, root), 'utf8')).packages;

function whyNot() {
  let installed;
  try {
    installed = read('node_modules/.package-lock.json');
  } catch {
    return 'node_modules is missing or incomplete';
  }
  for (const [path, wanted] of Object.entries(read('package-lock.json'))) {
    if (path === '' || wanted.optional) continue; // optional: made for another platform, perhaps
    if (installed[path]?.version !== wanted.version) return `${path} is not at ${wanted.version}`;
  }
  try {
    const Database = createRequire(root)('better-sqlite3');
    new Database(':memory:').close();
  } catch (error) {
    return `better-sqlite3 does not load: ${error.message}`;
  }
  return undefined;
}

const reason = whyNot();
if (reason) console.log(reason);
process.exitCode = reason ? 1 : 0;
