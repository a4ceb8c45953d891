/** What owners and delegates do in the portal's pages, what goes wrong in its forms, and the pages as a site has set them up. */
import { DELEGATE } from './delegate-cases.ts';
import { FORMS } from './forms-cases.ts';
import { OWNER } from './owner-cases.ts';
import { inABrowser } from './page-groups.ts';
import { AS_THE_SITE_HAS_IT } from './site-cases.ts';

await inABrowser({
  'an owner': OWNER,
  'a delegate': DELEGATE,
  'what goes wrong': FORMS,
  'as the site has it': AS_THE_SITE_HAS_IT,
});
