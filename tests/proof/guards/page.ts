/** docs/guards.md: each guard, and the test that fails when it is gone, from what is recorded in results.json. */
import type { Guard } from './guard.ts';
import type { Results } from './results.ts';

const cell = (text: string) =>
  text
    .replaceAll('|', '\\|')
    .replaceAll('\n', ' ')
    .replace(/[<>*_`]/g, '\\$&')
    .slice(0, 160);

export function guardsPage(guards: readonly Guard[], results: Results): string {
  const caught = guards.filter(({ name }) => results[name] !== undefined).length;
  const behind = guards.filter(({ name, behind }) => results[name] === undefined && behind !== undefined).length;
  const rest = guards.length - caught - behind;
  const lines = guards.map(({ name, file, behind }) => {
    const result = results[name];
    const noticed =
      result !== undefined
        ? `\`${result.test}\`: ${cell(result.assertion)}`
        : behind === undefined
          ? '**no test so far**'
          : `none can: ${cell(behind)}`;
    return `| ${cell(name)} | \`${file}\` | ${noticed} |`;
  });
  return `# The guards

Lines and conditions that keep somebody out or something from being lost. \`npm run proof:guards\` takes them out, one at a time, and runs the tests that are for each: one of them
must fail, or a test is missing. This page is made from what it found last (\`npm run proof:guards -- --record\`, kept in \`tests/proof/guards/results.json\`); each of those tests passed with the guard in
its place. \`npm test\` tries some of them again, others each time.

**${guards.length} guards: ${caught} noticed by a test when they are gone, ${behind} behind another guard${rest === 0 ? '' : `, ${rest} noticed by no test so far`}.**

| guard | where | what fails without it |
|---|---|---|
${lines.join('\n')}
`;
}
