/** What administrators do in the portal's pages, and what these say of the service. */
import { ADMINISTRATOR } from './admin-cases.ts';
import { inABrowser } from './page-groups.ts';
import { SERVICE } from './service-cases.ts';

await inABrowser({ 'an administrator': ADMINISTRATOR, 'the state of the service': SERVICE });
