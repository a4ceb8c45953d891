/** What holds of every page. */
import { EVERYWHERE } from './everywhere-cases.ts';
import { inABrowser } from './page-groups.ts';

await inABrowser({ 'every page': EVERYWHERE });
