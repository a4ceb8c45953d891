/** What a delegate does in a browser: activating in the guide's order, their address, what they refuse, how a mailbox is reached. R38 to R57. */
import { grantDelegation } from '../../../bridge/acting/delegations.ts';
import { RESPONSIBILITY_VERSION } from '../../../bridge/acting/responsibility.ts';
import { ANNE, type Cases, LUCIE } from './pages-site.ts';

export const DELEGATE: Cases = {
  'their account, from the first visit on': async (t, site) => {
    const mailbox = 'anne.riou@example.org';
    await grantDelegation(site.admin, { mailbox, delegate: LUCIE, acknowledged: RESPONSIBILITY_VERSION });
    const page = await site.as(LUCIE);
    const waiting = () => site.mandat('--json', 'account', 'show', LUCIE).then((text) => JSON.parse(text));

    await page.goto('/');
    t.match(await page.textContent('main'), 'Votre compte n’est pas encore activé');
    for (const [language, why] of [
      ['en', 'you have not activated your account yet'],
      ['fr', 'vous n’avez pas encore activé votre compte'],
    ]) {
      await page.goto(`/account?language=${language}`);
      t.match(await page.textContent('main .why'), why, 'said to them, not of them');
    }
    await page.click('a:text-is("Activer mon compte")');
    const identity = await page.textContent('dl.facts');
    for (const part of [LUCIE, 'LUCIE', 'MORVAN', 'Acteur du système de santé caractérisé par un rôle'])
      t.match(identity, part);
    t.match(await page.textContent('main'), mailbox, 'whose it is');

    await page.click('a:text-is("Annuler")');
    t.equal((await waiting()).state, 'pending', 'cancel writes nothing');

    await page.goto('/account/activate');
    await page.fill('#contact', 'lucie@hopital.mssante.fr');
    await page.check('#accept');
    await page.click('button:text-is("Valider")');
    t.match(await page.textContent('#contact-fault'), 'hors MSSanté');
    t.equal(await page.inputValue('#contact'), 'lucie@hopital.mssante.fr');
    t.equal(await page.isChecked('#accept'), true);

    await page.fill('#contact', 'lucie@exemple.fr');
    await page.click('button:text-is("Valider")');
    t.match(await page.textContent('main'), 'Un code à huit chiffres a été envoyé à lucie@exemple.fr');
    await page.fill('#code', '12');
    await page.click('button:text-is("Valider")');
    t.match(await page.textContent('#code-fault'), 'Un code a huit chiffres');
    await page.click('button:text-is("Annuler")');
    t.match(await page.textContent('.note.good'), 'Annulé : rien n’a été modifié');
    t.equal((await waiting()).contact ?? null, null);

    await page.goto('/account/activate');
    await page.fill('#contact', 'lucie@exemple.fr');
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
    for (const part of ['imap.example.org', '993', 'smtp.example.org', `shared/${mailbox}`, mailbox])
      t.match(how, part);
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('a:has-text("iPhone")')]);
    t.equal(download.suggestedFilename(), 'mail.mobileconfig');
    const autoconfig = await fetch(`${site.url}/.well-known/autoconfig/mail/config-v1.1.xml`); // before anybody has signed in
    t.match(await autoconfig.text(), '<hostname>imap.example.org</hostname>');

    t.equal(
      (await page.request.get(`/mailboxes/${encodeURIComponent(mailbox)}`)).status(),
      404,
      "the owner's page is not theirs",
    );
    t.equal((await page.request.get('/admin')).status(), 403);
    const anne = await site.as(ANNE);
    t.equal((await anne.request.get('/account')).status(), 403);
  },
};
