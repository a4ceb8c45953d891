/** The portal's pages in Chromium, signed in at a real identity provider: all cases of a file with one browser, one portal, one provider. */
import t from 'tap';
import { startBrowser } from './browser.ts';
import { type Cases, pagesSite } from './pages-site.ts';

/** By whose pages they are, or which. */
export async function inABrowser(groups: Readonly<Record<string, Cases>>): Promise<void> {
  await t.test('in a browser', async (t) => {
    const browser = await startBrowser();
    t.teardown(() => browser.close());
    const site = await pagesSite(t, browser);
    for (const [group, cases] of Object.entries(groups))
      for (const [name, test] of Object.entries(cases)) await t.test(`${group}: ${name}`, (t) => test(t, site));
  });
}
