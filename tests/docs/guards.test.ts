/** docs/guards.md is what the list of guards and the recorded results make of it: `npm run proof:guards -- --page`. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { ROOT } from '../../.ci/manual/code-sources.ts';
import { allGuards } from '../proof/guards/all-guards.ts';
import { guardsPage } from '../proof/guards/page.ts';
import { readResults } from '../proof/guards/results.ts';

const guards = allGuards(ROOT);
const results = readResults(ROOT);

t.test('the page is made from what is recorded', async (t) => {
  const page = readFileSync(path.join(ROOT, 'docs/guards.md'), 'utf8');
  t.equal(page, guardsPage(guards, results), 'stale? npm run proof:guards -- --page');
});

t.test('what is recorded is of guards and tests that are there', async (t) => {
  const names = new Set(guards.map(({ name }) => name));
  for (const [name, { test }] of Object.entries(results)) {
    t.ok(names.has(name), `a guard is called ${name}`);
    if (test !== null) t.ok(existsSync(path.join(ROOT, test)), `${name}: ${test}`);
  }
});

t.test('a guard that no test has noticed is no settled matter', async (t) => {
  const survivors = guards.filter(({ name, behind }) => results[name]?.test === null && behind === undefined);
  t.same(
    survivors.map(({ name }) => name),
    [],
    'each needs a test, or the sentence that says what stands before it',
  );
});
