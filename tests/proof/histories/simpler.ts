/** Simpler forms of a step, for a script that people read: what most steps are like, where the failure doesn't hang on more. */
import type { Item } from './items.ts';
import type { OwnStep, SharedStep, Step } from './steps.ts';

export function simpler(item: Item): readonly Item[] {
  if ('shared' in item) return simplerStep(item.shared).map((form) => ({ shared: form as SharedStep }));
  const { own } = item;
  const except = (group: number, steps: readonly OwnStep[]) => ({
    own: own.map((one, at) => (at === group ? steps : one)),
  });
  return own.flatMap((steps, group) => [
    // One group's steps gone, or one of them gone, or simpler.
    ...(own.length > 1 && steps.length > 0 ? [except(group, [])] : []),
    ...(steps.length > 1
      ? steps.map((_, at) =>
          except(
            group,
            steps.filter((_, index) => index !== at),
          ),
        )
      : []),
    ...steps.flatMap((step, at) =>
      simplerStep(step).map((form) =>
        except(
          group,
          steps.map((one, index) => (index === at ? (form as OwnStep) : one)),
        ),
      ),
    ),
  ]);
}

function simplerStep(step: Step): readonly Step[] {
  const forms = (() => {
    switch (step.do) {
      case 'grant':
        return [{ ...step, when: 'now' as const }];
      case 'revoke':
        return [{ ...step, by: 'sql' as const }];
      case 'folder':
        return [
          { ...step, name: 0, below: undefined },
          { ...step, name: 0 },
        ];
      case 'entry':
        return [
          { ...step, folder: 'INBOX' as const, name: 0 },
          { ...step, folder: 'INBOX' as const },
        ];
      case 'trap':
        return [
          { ...step, nth: 1 },
          { ...step, does: 'kill' as const },
        ];
      default:
        return [];
    }
  })();
  const text = JSON.stringify(step);
  return forms.filter((form) => JSON.stringify(form) !== text);
}
