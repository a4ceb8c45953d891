/** What a delegate does in a browser: activating in the guide's order, their address, what they refuse, how a mailbox is reached. R38 to R57. */
import t from 'tap';
import { grantDelegation } from '../../../bridge/acting/delegations.ts';
import { RESPONSIBILITY_VERSION } from '../../../bridge/acting/responsibility.ts';
import { startBrowser } from './browser.ts';
import { HELENE, MARTINE, pagesSite } from './pages-site.ts';

t.test("a delegate's account, from the first visit on", async (t) => {
  const browser = await startBrowser();
  t.teardown(() => browser.close());
  const site = await pagesSite(t, () => browser);
  const mailbox = 'helene.martin@example.org';
  await grantDelegation(site.admin, { mailbox, delegate: MARTINE, acknowledged: RESPONSIBILITY_VERSION });
  const page = await site.as(MARTINE);
  const waiting = () => site.mandat('--json', 'account', 'show', MARTINE).then(({ stdout }) => JSON.parse(stdout));

  await page.goto('/');
  t.match(await page.textContent('main'), 'Votre compte n’est pas encore activé');
  await page.click('a:text-is("Activer mon compte")');
  const identity = await page.textContent('dl.facts');
  for (const part of [MARTINE, 'MARTINE', 'BIARREY', 'Acteur du système de santé caractérisé par un rôle'])
    t.match(identity, part);
  t.match(await page.textContent('main'), mailbox, 'whose it is');

  await page.click('a:text-is("Annuler")');
  t.equal((await waiting()).state, 'pending', 'cancel writes nothing');

  await page.goto('/account/activate');
  await page.fill('#contact', 'martine@hopital.mssante.fr');
  await page.check('#accept');
  await page.click('button:text-is("Valider")');
  t.match(await page.textContent('#contact-fault'), 'hors MSSanté');
  t.equal(await page.inputValue('#contact'), 'martine@hopital.mssante.fr');
  t.equal(await page.isChecked('#accept'), true);

  await page.fill('#contact', 'martine@exemple.fr');
  await page.click('button:text-is("Valider")');
  t.match(await page.textContent('main'), 'Un code à huit chiffres a été envoyé à martine@exemple.fr');
  await page.fill('#code', '12');
  await page.click('button:text-is("Valider")');
  t.match(await page.textContent('#code-fault'), 'Un code a huit chiffres');
  await page.click('button:text-is("Annuler")');
  t.match(await page.textContent('.note.good'), 'Annulé : rien n’a été modifié');
  t.equal((await waiting()).contact ?? null, null);

  await page.goto('/account/activate');
  await page.fill('#contact', 'martine@exemple.fr');
  await page.check('#accept');
  await page.click('button:text-is("Valider")');
  await page.fill('#code', site.lastCode());
  await page.click('button:text-is("Valider")');
  t.match(await page.textContent('.note.good'), 'Votre compte est activé');

  await page.check('#surveys');
  await page.click('form:has(#surveys) button');
  t.match(await page.textContent('.note.good'), 'Vos choix sont enregistrés');
  t.strictSame([await page.isChecked('#surveys'), await page.isChecked('#newsletters')], [true, false]);

  t.match(
    await page.textContent('main'),
    'Vous ne pouvez pas mettre fin à une délégation mise en place par un professionnel délégant',
    'R53',
  );
  t.equal(await page.locator('text=Supprimer').count(), 0);
  await page.click('a:text-is("Y accéder")');
  const how = await page.textContent('main');
  for (const part of ['imap.example.org', '993', 'smtp.example.org', `shared/${mailbox}`, mailbox]) t.match(how, part);
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('a:has-text("iPhone")')]);
  t.equal(download.suggestedFilename(), 'mail.mobileconfig');
  const autoconfig = await page.request.get('/.well-known/autoconfig/mail/config-v1.1.xml');
  t.match(await autoconfig.text(), '<hostname>imap.example.org</hostname>');

  t.equal(
    (await page.request.get(`/mailboxes/${encodeURIComponent(mailbox)}`)).status(),
    404,
    "the owner's page is not theirs",
  );
  t.equal((await page.request.get('/admin')).status(), 403);
  const helene = await site.as(HELENE);
  t.equal((await helene.request.get('/account')).status(), 403);
});
