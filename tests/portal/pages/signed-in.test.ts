/** The pages behind the real sign-in; and what is there before it. */
import t from 'tap';
import { DOCTOR, MAILBOX, peopled } from '../people.ts';
import { portalSite } from '../portal-site.ts';

t.test("an owner's page behind the sign-in, Thunderbird's settings before it", async (t) => {
  const site = await portalSite(t, {
    config: '[mail_client]\nimap_host = "imap.example.org"\nsmtp_host = "smtp.example.org"\n',
  });
  await peopled(site.mandat);
  const outside = await fetch(`${site.url}/.well-known/autoconfig/mail/config-v1.1.xml`);
  t.equal(outside.status, 200);
  t.match(await outside.text(), '<hostname>imap.example.org</hostname>');
  const doctor = await site.signInAs(DOCTOR);
  const { status, body } = await doctor.get('/mailboxes');
  t.equal(status, 200);
  t.match(body, MAILBOX);
});
