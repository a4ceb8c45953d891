/** An ordinary mail client over STARTTLS: several people to write to, a file attached, and a Received field with all that Postfix can put there. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { simpleParser } from 'mailparser';
import { createTransport } from 'nodemailer';
import t from 'tap';
import { waitFor } from '../../config/lab/wait.ts';
import { grantRow } from './rows.ts';
import { at, password, type Site, startSite } from './site.ts';

const LIMIT_MS = 60_000;
const OUT = ['patient@far.test', 'colleague@far.test', 'hidden@near.test'];

let site: Site;
t.before(async () => {
  site = await startSite({
    users: ['alice', 'bob'],
    chroot: false,
    filter: true,
    tls: true,
    extraSubmission: 'copy_delay_seconds = 0\n',
    extraMain: 'smtpd_tls_received_header = yes\nsmtpd_tls_ask_ccert = yes',
  });
  await site.register('alice', 'bob');
  await grantRow(site, 'alice', 'bob');
  await site.run();
  await site.settled();
});
t.teardown(() => site?.stop());

t.test('To, Cc and Bcc: all get it, and the owner has a copy', async (t) => {
  const client = createTransport({
    ...site.lab.submission,
    requireTLS: true,
    tls: { rejectUnauthorized: false },
    name: 'poste-de-bob.lab.test',
    auth: { user: at('bob'), pass: password('bob') },
  });
  const attached = Buffer.from(Array.from({ length: 5000 }, (_, index) => index % 256));
  const { accepted, messageId } = await client.sendMail({
    from: { name: 'Dr Alice Élie', address: at('alice') },
    to: OUT[0],
    cc: OUT[1],
    bcc: OUT[2],
    subject: 'Résultats',
    text: 'Bonjour,\n.\nvoici.\n',
    attachments: [{ filename: 'résultats.bin', content: attached }],
  });
  client.close();
  t.same(accepted, OUT);
  const files = await waitFor('all have left', LIMIT_MS, async () => {
    const names = await readdir(site.lab.outside).catch(() => []);
    const texts = await Promise.all(names.map((name) => readFile(path.join(site.lab.outside, name))));
    return texts.length === OUT.length && texts;
  });
  const imap = await site.login('alice');
  const sent = await waitFor('the copy', LIMIT_MS, async () => {
    await imap.command('SELECT Sent');
    const { lines } = await imap.command('FETCH 1:* (BODY.PEEK[])');
    return lines.find((line) => line.includes(messageId));
  });
  imap.close();
  for (const source of [...files, sent]) {
    const mail = await simpleParser(source.slice(typeof source === 'string' ? source.indexOf('Received:') : 0));
    t.match(mail, { messageId, subject: 'Résultats', text: /^Bonjour,\n\.\nvoici\./ });
    t.match(mail.from?.value, [{ address: at('alice'), name: 'Dr Alice Élie' }]);
    t.match(mail.headers.get('sender'), { value: [{ address: at('bob') }] });
    t.same(mail.attachments[0]?.content, attached);
    const received = String(mail.headers.get('received'));
    t.match(received, /using TLSv1\.3 with cipher/, 'all that Postfix has written of the client');
    t.match(received, /certificate/);
    t.notMatch(received, /Authenticated sender/);
  }
  t.notMatch(sent, /hidden@near/);
});
