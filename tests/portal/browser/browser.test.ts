/** The browser itself: before anything is said of a page, that one is opened and nothing else is asked for. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { startBrowser } from './browser.ts';

t.test('a page that is served on loopback is opened, and nobody else is asked', async (t) => {
  const server = createServer((_, response) => {
    response
      .setHeader('content-type', 'text/html; charset=utf-8')
      .end('<!doctype html><title>é</title><h1>Bonjour</h1>');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  t.teardown(() => server.close());
  const here = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const browser = await startBrowser();
  t.teardown(() => browser.close());
  const context = await browser.context({ locale: 'fr-FR' });
  const page = await context.newPage();
  await page.goto(here);

  t.equal(await page.title(), 'é');
  t.equal(await page.textContent('h1'), 'Bonjour');
  t.strictSame(
    context.asked.filter((url) => !url.startsWith(here)),
    [],
  );
});
