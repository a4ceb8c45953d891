/** Killed before each change, where INBOX's entry is inherited. The other half is in reconcile-interrupted-copies.test.ts. */
import t from 'tap';
import { interruptions } from './interruptions.ts';

t.test('with inheritance', (t) => interruptions(t, { inherit: true, impersonate: 'authzid' }, false));
