import t from 'tap';
import { rehearsals } from './rehearsals.ts';

t.test('without inheritance', (t) => rehearsals(t, { inherit: false, impersonate: 'suffix' }));
