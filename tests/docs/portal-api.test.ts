/** The requests that docs/portal-api.md shows are asked, in their order, and answered as openapi.json says. */
import { readFile } from 'node:fs/promises';
import t from 'tap';
import { apiSite } from '../portal/api-site.ts';
import { DOCTOR } from '../portal/people.ts';

t.test('the page’s requests', async (t) => {
  const page = await readFile(new URL('../../docs/portal-api.md', import.meta.url), 'utf8');
  const shown = [...page.matchAll(/```http\n([A-Z]+) (\S+)\n((?:[A-Za-z-]+: .*\n)*)(?:\n(.*)\n)?```/g)];
  t.equal(shown.length, page.split('```http').length - 1, 'each is read');
  const { ask } = await apiSite(t);
  for (const [, method = '', path = '', heads = '', body] of shown) {
    const headers = Object.fromEntries(heads.split('\n').flatMap((line) => (line === '' ? [] : [line.split(': ')])));
    const { status, json } = await ask(method, path, { by: DOCTOR, headers, ...(body === undefined ? {} : { body }) });
    t.ok(status === 200 || status === 201, `${method} ${path}: ${status} ${json?.code ?? ''}`);
  }
});
