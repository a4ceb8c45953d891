/** Simpler forms of a step, for a script that people read: what most steps are like, where the failure doesn't hang on more. */
import type { Step } from './steps.ts';

export function simpler(step: Step): readonly Step[] {
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
