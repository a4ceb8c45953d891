import t from 'tap';
import { ConfigError, type Mistake } from '../../config/mistake.ts';
import { parseConfig } from '../../config/parse.ts';

const FILE = '/srv/mandat/mandat.toml';
const mistakesIn = (text: string): readonly Mistake[] => {
  try {
    parseConfig(text, FILE);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes;
    throw error;
  }
};

t.test('an empty file is the defaults, with camelCase names and absolute paths', async (t) => {
  t.same(parseConfig('', FILE), {
    file: FILE,
    dataDir: '/srv/mandat/data',
    runtimeDir: '/srv/mandat/data/run',
    databasePasswordFile: '/srv/mandat/database.secret',
    identity: { scheme: 'rpps', strict: false, allowTestIdentities: false, unknownCredential: 'invalid' },
    directory: { maxShrink: 5 },
    policy: { maxDelegates: 10, rights: 'lrswipkxte', eligibleDomains: 'all', timezone: 'Europe/Paris' },
    grant: { acknowledge: true },
    server: { name: 'main', takeoverSeconds: 10 },
    imap: {
      host: '127.0.0.1',
      port: 143,
      tls: 'starttls',
      server: 'auto',
      allowCarryingOff: false,
      adminUser: 'bridge',
      adminPasswordFile: '/srv/mandat/imap.secret',
      impersonate: 'authzid',
      masterSeparator: '*',
      timeoutSeconds: 30,
      connections: 4,
    },
    subscriptions: { autoSubscribe: true },
    schedule: {
      sweepIntervalMinutes: 60,
      sweepLoginsPerSecond: 10,
      folderLookSeconds: 60,
      folderLooksPerSecond: 10,
      retryMinSeconds: 2,
      retryMaxSeconds: 300,
      loginRetrySeconds: 300,
      pollIntervalMs: 1000,
    },
    guard: { enabled: true, maxPairs: 20, maxPercent: 30 },
    audit: { retentionDays: 365 },
    reconcile: { onDrift: 'repair' },
    trace: { enabled: false, keepMonths: 6, looks: false },
    log: { level: 'info' },
  });
});

t.test('optional sections: absent is undefined, empty is their defaults', async (t) => {
  const absent = parseConfig('', FILE);
  t.equal(absent.sessions, undefined);
  t.equal(absent.senderRules, undefined);
  const empty = parseConfig('[sessions]\n[sender_rules]', FILE);
  t.same(empty.sessions, {
    kind: 'doveadm-http',
    url: 'http://127.0.0.1:8080/doveadm/v1',
    apiKeyFile: '/srv/mandat/doveadm.secret',
    timeoutSeconds: 10,
    onGrant: 'cut',
  });
  t.same(empty.senderRules, {
    kind: 'postfix-sqlite',
    group: 'postfix',
    filePath: '/srv/mandat/data/senders',
    fileMode: '0640',
    socketmapPath: '/srv/mandat/data/run/sender.sock',
    socketmapMode: '0660',
    socketmapIdentity: true,
  });
});

t.test('several outputs of the sender rules', async (t) => {
  const text = `[sender_rules]
kind = ["postfix-sqlite", "file", "socketmap"]
file_format = "opensmtpd"
file_path = "/etc/mandat/senders"
file_reload = ["/usr/sbin/smtpctl", "update", "table", "mandat"]
file_logins = "credentials"`;
  const { senderRules } = parseConfig(text, FILE);
  t.match(senderRules, {
    kind: ['postfix-sqlite', 'file', 'socketmap'],
    filePath: '/etc/mandat/senders',
    fileReload: ['/usr/sbin/smtpctl', 'update', 'table', 'mandat'],
    fileLogins: '/srv/mandat/credentials',
  });
  t.ok(Object.isFrozen(senderRules?.kind) && Object.isFrozen(senderRules?.fileReload));
});

t.test('paths start from the directory of the file, absolute ones stay', async (t) => {
  const config = parseConfig('data_dir = "/var/lib/mandat"\n[imap]\nca_file = "../ca.pem"', FILE);
  t.equal(config.dataDir, '/var/lib/mandat');
  t.equal(config.imap.caFile, '/srv/ca.pem');
});

t.test('sections with names of the site', async (t) => {
  const portal = '[portal]\nurl = "https://d.example"\nissuer = "https://idp.example"\nclient_id = "mandat"\n';
  const two = ['sogo', 'my-webmail'].map(
    (name) => `[portal.services.${name}]\nkey_file = "${name}.key"\nactions = "readMe"`,
  );
  t.same(parseConfig(`${portal}${two.join('\n')}`, '/etc/mandat/mandat.toml').portal?.services, {
    sogo: { keyFile: '/etc/mandat/sogo.key', actions: 'readMe' },
    'my-webmail': { keyFile: '/etc/mandat/my-webmail.key', actions: 'readMe' },
  });
  t.same(parseConfig(portal, '/etc/mandat/mandat.toml').portal?.services, {});
});

t.test('nothing of it can be changed', async (t) => {
  const config = parseConfig('[sessions]', FILE);
  for (const [name, part] of Object.entries({ config, ...config })) t.ok(Object.isFrozen(part), name);
});

t.test('what looks wrong and is right', async (t) => {
  const rows = [
    ['[imap]\ntls = "none"', 'loopback by default'],
    ['[imap]\ntls = "none"\nhost = "::1"', 'loopback by IPv6'],
    ['[imap]\nadmin_user = "imap/bridge"\nimpersonate = "suffix"', 'no authzid to lose'],
    ['[imap]\nport = 143.0', 'a whole number all the same'],
    ['[schedule]\nretry_min_seconds = 300', 'equal to the maximum'],
    ['[sender_rules]\nkind = ["socketmap"]', 'a list of one'],
    ['[sessions]\nkind = "command"\nend_command = ["/bin/kick"]', 'the login comes last, and nothing can be proven'],
    ['[sender_rules]\nfile_format = "texthash"', 'a file that is not published needs no reader'],
    ['[server]\nname = "mx2"\ncluster = ["mx1", "mx2"]', 'the same list on each server'],
    ['imap.port = 993', 'dotted keys are TOML too'],
    ['imap = { port = 993 }', 'and inline tables'],
  ] as const;
  for (const [text, why] of rows) t.same(mistakesIn(text), [], why);
});

t.test('text that is not TOML: line and column, and nothing of the text', async (t) => {
  const rows = [
    ['[imap]\nadmin_password = hunter2', 'line 2, column 18', 'a value without quotes'],
    ['port = 1\nport = 2', 'line 2, column 1', 'a key twice'],
    ['[imap\nport = 1', 'line 1, column', 'an open bracket'],
    ['x = "hunter2', 'line 1, column', 'an open string'],
  ] as const;
  for (const [text, path, why] of rows) {
    const [mistake, ...more] = mistakesIn(text);
    t.same(more, []);
    t.ok(mistake?.path.startsWith(path), `${why}: ${mistake?.path}`);
    t.notMatch(JSON.stringify(mistake), /hunter2/, 'a secret may stand on that line');
  }
});

t.test('a secret in the wrong place is not repeated', async (t) => {
  const rows = [
    '[imap]\nadmin_password = "hunter2"',
    '[imap]\nadmin_password_file = ["hunter2"]',
    '[sessions]\napi_key = "hunter2"',
    'imap = "hunter2"',
    'password = "hunter2"',
    '[imap]\nadmin_password_file = "~hunter2"',
    '[sessions]\nurl = "http://x:hunter2@127.0.0.1/"',
    '[imap]\nport = { password = "hunter2" }',
  ];
  for (const text of rows) {
    const mistakes = mistakesIn(text);
    t.equal(mistakes.length, 1, text);
    t.notMatch(JSON.stringify(mistakes), /hunter2/, text);
  }
  t.notMatch(
    JSON.stringify(mistakesIn('[imap]\nadmin_password_file = 31337')),
    /31337/,
    'a number can be a password too',
  );
});
