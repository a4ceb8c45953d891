// Writes every page that is made from the code: npm run docs. tests/docs/reference.test.ts fails when one of them is stale.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { PAGES } from './pages.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

function written(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

for (const { file, make } of PAGES) {
  const place = path.join(root, file);
  const text = make();
  const same = written(place) === text;
  if (!same) {
    mkdirSync(path.dirname(place), { recursive: true });
    writeFileSync(place, text);
  }
  console.log(`${file}: ${same ? 'as it was' : 'written'}`);
}
