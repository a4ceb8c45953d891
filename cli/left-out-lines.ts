/** Lines of a published file that an import left out: how many, and the first few. */
import type { Taken } from '../bridge/directory/published-lines.ts';
import { counted, type Output } from './output.ts';

export function warnOfLeftOut({ warn }: Output, { bad, examples }: Pick<Taken, 'bad' | 'examples'>): void {
  if (bad === 0) return;
  const first = examples.map(({ line, why }) => `\n        line ${line}: ${why}`).join('');
  warn(`mandat: ${counted(bad, 'line')} left out:${first}${bad > examples.length ? '\n        ...' : ''}`);
}
