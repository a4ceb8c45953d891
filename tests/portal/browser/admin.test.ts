/** What an administrator does in a browser: looking, acting for an owner who is named, the trail; and who only reads. R3, R53. */
import t from 'tap';
import { startBrowser } from './browser.ts';
import { ADMIN, FRANCK, HELENE, MARTINE, PAUL, pagesSite, READER } from './pages-site.ts';

t.test('two owners and an administrator at once', async (t) => {
  const browser = await startBrowser();
  t.teardown(() => browser.close());
  const site = await pagesSite(t, () => browser);
  const [helene, paul, admin, reader] = await Promise.all([HELENE, PAUL, ADMIN, READER].map((who) => site.as(who)));
  if (!helene || !paul || !admin || !reader) throw new Error('no pages');
  const at = (name: string) => `/mailboxes/${name}%40example.org`;

  await Promise.all([
    (async () => {
      await helene.goto(`${at('helene.martin')}/add?identifier=${MARTINE}`);
      await helene.check('#acknowledge');
      await helene.click('button:text-is("Ajouter")');
      await helene.waitForURL(/did=grant/);
    })(),
    (async () => {
      await paul.goto(`${at('paul.legall')}/add?identifier=${MARTINE}`);
      await paul.check('#acknowledge');
      await paul.click('button:text-is("Ajouter")');
      await paul.waitForURL(/did=grant/);
    })(),
    (async () => {
      await admin.goto(`${at('helene.martin')}/add?identifier=${FRANCK}`);
      await admin.check('#acknowledge');
      await admin.fill('#behalf', PAUL);
      await admin.click('button:text-is("Ajouter")');
      t.match(await admin.textContent('#behalf-fault'), 'Ce n’est pas l’identifiant du titulaire');
      t.equal(await admin.isChecked('#acknowledge'), true, 'what was said stays');
      await admin.fill('#behalf', HELENE);
      await admin.click('button:text-is("Ajouter")');
      await admin.waitForURL(/did=grant/);
    })(),
  ]);

  await helene.goto(at('helene.martin'));
  t.equal(await helene.locator('tbody tr').count(), 2);
  await helene.goto(`${at('helene.martin')}/history`);
  t.match(await helene.textContent('table'), 'un administrateur');

  await admin.goto('/admin');
  t.match(await admin.textContent('#status ~ .note'), 'est arrêté');
  await admin.fill('#q', MARTINE);
  await admin.click('button:text-is("Rechercher")');
  t.equal(await admin.locator('.list li').count(), 2, 'both mailboxes that this person has');
  await admin.fill('#q', 'HELENE');
  await admin.click('button:text-is("Rechercher")');
  await admin.click('.list a');
  await admin.click('a:text-is("Expliquer")');
  t.match(await admin.textContent('main'), 'le délégataire n’a pas encore activé son compte');
  t.match(
    await admin.textContent('main'),
    'Le serveur de messagerie ne répond pas',
    'the IMAP server is down, and the page says so',
  );

  await admin.goto(`/admin/audit?mailbox=helene.martin%40example.org`);
  const trail = await admin.textContent('table');
  t.match(trail, `owner:${HELENE} (admin:${ADMIN} portal:`);
  t.notMatch(trail, 'paul.legall@example.org');
  const csv = await admin.request.get('/admin/audit.csv?mailbox=helene.martin%40example.org');
  t.match(await csv.text(), /^at,actor,onBehalf,via,action,mailbox,delegate,reason,detail\r\n/);

  await admin.goto(`${at('helene.martin')}/remove?delegate=${FRANCK}`);
  await admin.fill('#behalf', HELENE);
  await admin.click('button:text-is("Supprimer")');
  await admin.waitForURL(/did=revoke/);

  await reader.goto(at('helene.martin'));
  t.equal(
    await reader.locator('main form, main a:text-is("Ajouter"), main a:text-is("Supprimer")').count(),
    0,
    'who reads is offered nothing to do',
  );
  const form = { csrf: 'token', delegate: MARTINE, behalf: HELENE };
  t.equal((await reader.request.post(`${at('helene.martin')}/remove`, { form })).status(), 403);
  t.equal((await reader.request.post('/admin/held', { form: { csrf: 'token', seen: '0' } })).status(), 403);
  await helene.goto(at('helene.martin'));
  t.equal(await helene.locator('tbody tr').count(), 1);
});
