/** Each condition of a delegation (acl/conditions.ts), as if it always held. */
import { CONDITIONS } from '../../../acl/conditions.ts';
import type { Guard } from './guard.ts';

const FILE = 'acl/conditions.ts';

export const POLICY_GUARDS: readonly Guard[] = CONDITIONS.map(({ why }) => ({
  name: `condition: ${why}`,
  file: FILE,
  tests: ['tests/acl/policy.test.ts'],
  without: (source) => {
    const condition = new RegExp(`(    why: '${why}',\\n    holds: )[\\s\\S]*?(,\\n    kept: )`);
    if (!condition.test(source)) throw new Error(`${FILE} has no condition ${why}`);
    return source.replace(condition, '$1() => true$2');
  },
}));
