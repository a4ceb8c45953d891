import t from 'tap';
import { rehearsals } from './rehearsals.ts';

t.test('with inheritance', (t) => rehearsals(t, { inherit: true, impersonate: 'authzid' }));
