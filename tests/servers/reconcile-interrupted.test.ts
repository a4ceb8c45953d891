import t from 'tap';
import { interruptions } from './interruptions.ts';

t.test('with inheritance', (t) => interruptions(t, { inherit: true, impersonate: 'authzid' }));
