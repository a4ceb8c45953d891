/** docs/guards.md: each guard, and the test that notices when it is gone. */
import type { Guard } from './guard.ts';
import type { Outcome } from './run-guard.ts';

export interface Row {
  readonly guard: Guard;
  readonly outcome: Outcome;
}

const cell = (text: string) =>
  text
    .replaceAll('|', '\\|')
    .replaceAll('\n', ' ')
    .replace(/[<>*_`]/g, '\\$&')
    .slice(0, 160);

export function guardsPage(rows: readonly Row[]): string {
  const caught = rows.filter(({ outcome }) => outcome.kind === 'caught').length;
  const behind = rows.filter(({ guard, outcome }) => outcome.kind === 'survived' && guard.behind !== undefined).length;
  const lines = rows.map(({ guard, outcome }) => {
    const noticed =
      outcome.kind === 'caught' ? outcome.by : guard.behind === undefined ? '**no test**' : `none can: ${guard.behind}`;
    return `| ${cell(guard.name)} | \`${guard.file}\` | ${outcome.kind === 'caught' || guard.behind !== undefined ? cell(noticed) : noticed} |`;
  });
  return `# The guards

Lines and conditions that keep somebody out or something from being lost. \`npm run proof:guards\` takes them out, one at a time, and runs the tests that are for each: one of them
must fail, or a test is missing. This page is what it found last (\`npm run proof:guards -- --write\`).

**${rows.length} guards: ${caught} noticed by a test when they are gone, ${behind} behind another guard, ${rows.length - caught - behind} noticed by none.**

| guard | where | what fails without it |
|---|---|---|
${lines.join('\n')}
`;
}
