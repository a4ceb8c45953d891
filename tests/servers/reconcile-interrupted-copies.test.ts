/** Killed right after each change, where each folder needs an entry of its own. */
import t from 'tap';
import { interruptions } from './interruptions.ts';

t.test('without inheritance', (t) => interruptions(t, { inherit: false, impersonate: 'suffix' }, true));
