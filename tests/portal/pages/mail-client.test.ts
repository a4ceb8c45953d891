/** What mail clients are given to set themselves up: well-formed, the site's own servers, no password, nothing that could be read as markup. */
import { SaxesParser } from 'saxes';
import t from 'tap';
import {
  appleProfile,
  autoconfig,
  type MailClient,
  serversOf,
} from '../../../bridge/portal/pages/delegate/mail-client-files.ts';

const SERVERS: MailClient = {
  domain: 'example.org',
  imapHost: 'imap.example.org',
  imapPort: 993,
  imapTls: 'implicit',
  smtpHost: 'smtp.example.org',
  smtpPort: 587,
  smtpTls: 'starttls',
};

/** Its texts, in order; throws where it isn't well-formed. */
function texts(xml: string): readonly string[] {
  const found: string[] = [];
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('text', (text) => void (text.trim() && found.push(text.trim())));
  parser.write(xml).close();
  return found;
}

t.test('Thunderbird', async (t) => {
  const said = texts(autoconfig(SERVERS));
  for (const value of ['imap.example.org', '993', 'SSL', 'smtp.example.org', '587', 'STARTTLS', '%EMAILADDRESS%'])
    t.ok(said.includes(value), value);
});

t.test("Apple's profile, the same identifier for the same login, another for another", async (t) => {
  const uuid = (login: string) =>
    texts(appleProfile(SERVERS, login, 'Délégations')).filter((text) =>
      /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a/.test(text),
    );
  t.equal(uuid('a@example.org').length, 2);
  t.strictSame(uuid('a@example.org'), uuid('a@example.org'));
  t.notSame(uuid('a@example.org'), uuid('b@example.org'));
  t.ok(texts(appleProfile(SERVERS, '<b>&"@example.org', 'x')).includes('<b>&"@example.org'));
  t.notMatch(appleProfile(SERVERS, 'a@example.org', 'x'), /<key>(Incoming|Outgoing)Password</);
});

t.test('a site that names one server alone names none', async (t) => {
  t.equal(serversOf({ mailClient: undefined }), undefined);
  const { smtpHost: _, ...half } = SERVERS;
  t.equal(serversOf({ mailClient: { ...half, servers: {} } }), undefined);
  const { domain: __, ...rest } = SERVERS;
  t.equal(serversOf({ mailClient: { ...rest, servers: {} } })?.domain, 'imap.example.org');
});

t.test('of several mail servers each is told as it is reached, where it has a section', async (t) => {
  const config = {
    mailClient: {
      ...SERVERS,
      sharedFolders: 'shared/OWNER',
      servers: { mx2: { imapHost: 'mx2.example.org', sharedFolders: 'theirs/OWNER' } },
    },
  };
  t.match(serversOf(config, 'main'), { ...SERVERS, sharedFolders: 'shared/OWNER' });
  t.match(serversOf(config), SERVERS);
  t.same(serversOf(config, 'constructor'), serversOf(config), 'a name that every object has is nobody’s section');
  const mx2 = serversOf(config, 'mx2');
  t.match(mx2, {
    imapHost: 'mx2.example.org',
    imapPort: 993,
    smtpHost: 'smtp.example.org',
    sharedFolders: 'theirs/OWNER',
  });
  const profile = (servers: MailClient | undefined) => (servers === undefined ? '' : appleProfile(servers, 'a', 'x'));
  t.match(profile(mx2), 'mx2.example.org.mandat.profile', 'its profile replaces none of another server');
  t.match(profile(serversOf(config, 'main')), 'example.org.mandat.profile');
});
