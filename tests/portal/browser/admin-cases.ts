/** What an administrator does in a browser: looking, acting for an owner who is named, the trail; and who only reads. R3, R53. */
import { ADMIN, BRIAC, type Cases, FRANCK, mailboxAt, NOLWENN, READER, YANN } from './pages-site.ts';

export const ADMINISTRATOR: Cases = {
  'two owners and an administrator at once': async (t, site) => {
    const [briac, yann, admin, reader] = await Promise.all([BRIAC, YANN, ADMIN, READER].map((who) => site.as(who)));
    if (!briac || !yann || !admin || !reader) throw new Error('no pages');

    await Promise.all([
      (async () => {
        await briac.goto(`${mailboxAt('briac.lebris')}/add?identifier=${NOLWENN}`);
        await briac.check('#acknowledge');
        await briac.click('button:text-is("Ajouter")');
        await briac.waitForURL(/did=grant/);
      })(),
      (async () => {
        await yann.goto(`${mailboxAt('yann.corre')}/add?identifier=${NOLWENN}`);
        await yann.check('#acknowledge');
        await yann.click('button:text-is("Ajouter")');
        await yann.waitForURL(/did=grant/);
      })(),
      (async () => {
        await admin.goto(`${mailboxAt('briac.lebris')}/add?identifier=${FRANCK}`);
        await admin.check('#acknowledge');
        await admin.fill('#behalf', YANN);
        await admin.click('button:text-is("Ajouter")');
        t.match(await admin.textContent('#behalf-fault'), 'Ce n’est pas l’identifiant du titulaire');
        t.equal(await admin.isChecked('#acknowledge'), true, 'what was said stays');
        await admin.fill('#behalf', BRIAC);
        await admin.click('button:text-is("Ajouter")');
        await admin.waitForURL(/did=grant/);
      })(),
    ]);

    await briac.goto(mailboxAt('briac.lebris'));
    t.equal(await briac.locator('tbody tr').count(), 2);
    await briac.goto(`${mailboxAt('briac.lebris')}/history`);
    t.match(await briac.textContent('table'), 'un administrateur');

    await admin.goto('/admin');
    t.match(await admin.textContent('#status ~ .note'), 'est arrêté');
    await admin.fill('#q', NOLWENN);
    await admin.click('button:text-is("Rechercher")');
    t.equal(await admin.locator('.list li').count(), 2, 'both mailboxes that this person has');
    await admin.fill('#q', 'BRIAC');
    await admin.click('button:text-is("Rechercher")');
    await admin.click('.list a');
    await admin.click('a:text-is("Expliquer")');
    t.match(await admin.textContent('main'), 'le délégataire n’a pas encore activé son compte');
    const explained = await admin.textContent('main');
    t.match(explained, 'la boîte aux lettres est personnelle (PER)');
    t.match(explained, `« mandat account activate ${NOLWENN} --email`);
    t.notMatch(explained, /the delegate|the mailbox/, 'in French altogether');
    t.match(
      await admin.textContent('main'),
      'Le serveur de messagerie ne répond pas',
      'the IMAP server is down, and the page says so',
    );

    await admin.goto(`/admin/audit?mailbox=briac.lebris%40example.org`);
    const trail = await admin.textContent('table');
    t.match(trail, `owner:${BRIAC} (admin:${ADMIN} portal:`);
    t.notMatch(trail, 'yann.corre@example.org');
    const csv = await admin.request.get('/admin/audit.csv?mailbox=briac.lebris%40example.org');
    t.match(await csv.text(), /^at,actor,onBehalf,via,action,mailbox,delegate,reason,detail\r\n/);

    await admin.goto(`${mailboxAt('briac.lebris')}/remove?delegate=${FRANCK}`);
    await admin.fill('#behalf', BRIAC);
    await admin.click('button:text-is("Supprimer")');
    await admin.waitForURL(/did=revoke/);

    await reader.goto(mailboxAt('briac.lebris'));
    t.equal(
      await reader.locator('main form, main a:text-is("Ajouter"), main a:text-is("Supprimer")').count(),
      0,
      'who reads is offered nothing to do',
    );
    const form = { csrf: 'token', delegate: NOLWENN, behalf: BRIAC };
    t.equal((await reader.request.post(`${mailboxAt('briac.lebris')}/remove`, { form })).status(), 403);
    t.equal((await reader.request.post('/admin/held', { form: { csrf: 'token', seen: '0' } })).status(), 403);
    await briac.goto(mailboxAt('briac.lebris'));
    t.equal(await briac.locator('tbody tr').count(), 1);
  },
};
