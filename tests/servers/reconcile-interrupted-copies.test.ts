import t from 'tap';
import { interruptions } from './interruptions.ts';

t.test('without inheritance', (t) => interruptions(t, { inherit: false, impersonate: 'suffix' }));
