/** docs/guards.md: each guard, and the test that fails when it is gone, from what is recorded in results.json. */
import type { Guard } from './guard.ts';
import type { Results } from './results.ts';

const cell = (text: string) =>
  text
    .replaceAll('|', '\\|')
    .replaceAll('\n', ' ')
    .replace(/[<>*_`]/g, '\\$&')
    .slice(0, 160);

type Standing = 'caught' | 'behind' | 'survived' | 'untried';

function standing({ name, behind }: Guard, results: Results): Standing {
  const result = results[name];
  if (result === undefined) return 'untried'; // whatever is thought of it
  if (result.test !== null) return 'caught';
  return behind === undefined ? 'survived' : 'behind';
}

function noticed(guard: Guard, results: Results): string {
  const { test, assertion = '' } = results[guard.name] ?? {};
  switch (standing(guard, results)) {
    case 'caught':
      return `\`${test}\`: ${cell(assertion)}`;
    case 'behind':
      return `none of its tests: ${cell(guard.behind ?? '')}`;
    case 'survived':
      return '**no test**';
    case 'untried':
      return guard.behind === undefined ? 'not tried for this page' : `not tried for this page; ${cell(guard.behind)}`;
  }
}

export function guardsPage(guards: readonly Guard[], results: Results): string {
  const count = (one: Standing) => guards.filter((guard) => standing(guard, results) === one).length;
  const lines = guards.map((guard) => `| ${cell(guard.name)} | \`${guard.file}\` | ${noticed(guard, results)} |`);
  return `# The guards

Lines and conditions that keep somebody out or something from being lost. \`npm run proof:guards\` takes them out, one at a time, and runs the tests that are for each: one of them
must fail, or a test is missing. This page is made from what it found last (\`npm run proof:guards -- --record\`, kept in \`tests/proof/guards/results.json\`); each of those tests passed with the guard in
its place. \`npm test\` tries some of them again, others each time. One that stands behind another guard was taken out like all others, and no test failed: the reason stands there.

**${guards.length} guards: ${count('caught')} noticed by a test when they are gone, ${count('behind')} behind another guard, ${count('survived')} noticed by none, ${count('untried')} not tried for this page.**

| guard | where | what fails without it |
|---|---|---|
${lines.join('\n')}
`;
}
