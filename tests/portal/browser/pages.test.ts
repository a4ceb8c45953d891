/** The portal's pages in Chromium, signed in at a real identity provider: all cases with one browser, one portal, one provider. */
import t from 'tap';
import { ADMINISTRATOR } from './admin-cases.ts';
import { startBrowser } from './browser.ts';
import { DELEGATE } from './delegate-cases.ts';
import { EVERYWHERE } from './everywhere-cases.ts';
import { FORMS } from './forms-cases.ts';
import { OWNER } from './owner-cases.ts';
import { type Cases, pagesSite } from './pages-site.ts';
import { SERVICE } from './service-cases.ts';
import { AS_THE_SITE_HAS_IT } from './site-cases.ts';

const GROUPS: Readonly<Record<string, Cases>> = {
  'an owner': OWNER,
  'a delegate': DELEGATE,
  'an administrator': ADMINISTRATOR,
  'the state of the service': SERVICE,
  'every page': EVERYWHERE,
  'what goes wrong': FORMS,
  'as the site has it': AS_THE_SITE_HAS_IT,
};

t.test('in a browser', async (t) => {
  const browser = await startBrowser();
  t.teardown(() => browser.close());
  const site = await pagesSite(t, browser);
  for (const [group, cases] of Object.entries(GROUPS))
    for (const [name, test] of Object.entries(cases)) await t.test(`${group}: ${name}`, (t) => test(t, site));
});
