import fc from 'fast-check';
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

/** `remedy` is what the remedy speaks of; each row is one mistake. */
type Row = readonly [text: string, path: string, remedy: RegExp, why: string];

const PORTAL = '[portal]\nurl = "https://d.example"\nissuer = "https://idp.example"\nclient_id = "mandat"\n';
const KEYS = 'key_file = "k"\nactions = ["readMe"]\n';
const service = (name: string, keys = KEYS) => `${PORTAL}[portal.services.${name}]\n${keys}`;

/** Mistakes in one key. */
const ALONE: readonly Row[] = [
  ['[imap]\nport = "143"', 'imap.port', /port = 143/, 'a number in quotes'],
  ['[imap]\nport = 0', 'imap.port', /1 to 65535/, 'below the range'],
  ['[imap]\nport = 65536', 'imap.port', /1 to 65535/, 'above the range'],
  ['[imap]\nport = 143.5', 'imap.port', /whole number/, 'a fraction'],
  ['[imap]\nport = 70000.5', 'imap.port', /whole number/, 'two faults of one value are one mistake'],
  ['[imap]\nport = nan', 'imap.port', /whole number/, 'TOML has NaN'],
  ['[imap]\nport = inf', 'imap.port', /whole number/, 'and infinity'],
  ['[imap]\nport = "imap"', 'imap.port', /whole number/, 'a service name'],
  ['[imap]\nport = ""', 'imap.port', /whole number/, 'empty text is not zero'],
  ['[imap]\nport = 1979-05-27', 'imap.port', /whole number/, 'a date'],
  ['[imap]\nport = [143]', 'imap.port', /whole number/, 'a list'],
  ['[imap]\nhost = 127', 'imap.host', /quotes/, 'a number where text stands'],
  ['[imap]\ntls = "starttsl"', 'imap.tls', /"starttls"/, 'misspelt value'],
  ['[imap]\ntls = true', 'imap.tls', /"implicit"/, 'yes is not an answer'],
  ['[imap]\nserver = "courier"', 'imap.server', /"dovecot"/, 'not one that is known by name'],
  ['[imap]\nmaster_separator = "@"', 'imap.master_separator', /\*/, 'stands in logins'],
  ['[imap]\nimpersonate = "master"', 'imap.impersonate', /authzid/, 'unknown way'],
  ['[imap]\ntimeout_seconds = 0', 'imap.timeout_seconds', /1 to 600/, 'never is no timeout'],
  ['[imap]\nconnections = 65', 'imap.connections', /1 to 64/, 'more than a server likes'],
  ['[imap]\nserver_name = "a b"', 'imap.server_name', /name/, 'not a name'],
  ['[imap]\nca_file = ""', 'imap.ca_file', /path/, 'empty path'],
  ['[server]\nname = "MX1"', 'server.name', /a-z 0-9/, 'one name, one way to write it'],
  ['[server]\ncluster = "mx1"', 'server.cluster', /list/, 'text where a list stands'],
  ['[server]\ncluster = ["main", "main"]', 'server.cluster', /once/, 'twice'],
  ['[server]\ncluster = ["main", "mx 2"]', 'server.cluster', /a-z 0-9/, 'no name'],
  ['[identity]\nscheme = "adeli"', 'identity.scheme', /"rpps", "login"/, 'not a scheme'],
  ['[identity]\nstrict = "yes"', 'identity.strict', /true or strict = false/, 'not a boolean'],
  ['[directory]\nmax_shrink = 101', 'directory.max_shrink', /from 0 to 100/, 'more than all'],
  ['[policy]\nrights = "lra"', 'policy.rights', /a/, 'a delegate never administers'],
  ['[policy]\ntimezone = "Paris"', 'policy.timezone', /Europe\/Paris/, 'not a zone'],
  ['[policy]\nmax_delegates = 0', 'policy.max_delegates', /1 to 1000/, 'nobody could be a delegate'],
  ['[policy]\nmax_delegates = 1001', 'policy.max_delegates', /1 to 1000/, 'not a delegation any more'],
  ['[sessions]\nurl = "http://mail.example.org/"', 'sessions.url', /https/, 'the key in clear'],
  ['[sessions]\non_grant = "kick"', 'sessions.on_grant', /"cut"/, 'unknown choice'],
  ['[sender_rules]\ngroup = ""', 'sender_rules.group', /group/, 'no group'],
  ['[sender_rules]\nkind = "hash"', 'sender_rules.kind', /postfix-sqlite/, 'unknown kind'],
  ['[sender_rules]\nkind = []', 'sender_rules.kind', /postfix-sqlite/, 'no output at all'],
  ['[sender_rules]\nkind = ["socketmap", "hash"]', 'sender_rules.kind', /"file"/, 'unknown among several'],
  ['[sender_rules]\nkind = ["socketmap", "socketmap"]', 'sender_rules.kind', /once/, 'twice'],
  ['[sender_rules]\nkind = true', 'sender_rules.kind', /list/, 'no text'],
  ['[sender_rules]\nkind = [["file"]]', 'sender_rules.kind', /list/, 'a list in a list'],
  ['[sender_rules]\nfile_format = "sendmail"', 'sender_rules.file_format', /"exim"/, 'unknown format'],
  ['[sender_rules]\nfile_mode = "0666"', 'sender_rules.file_mode', /0640/, 'everybody could write rules'],
  ['[sender_rules]\nfile_mode = 640', 'sender_rules.file_mode', /quotes/, 'decimal, which would be another mode'],
  ['[sender_rules]\nsocketmap_mode = "0770"', 'sender_rules.socketmap_mode', /digits/, 'nobody executes a socket'],
  [
    '[sender_rules]\nfile_reload = "postfix reload"',
    'sender_rules.file_reload',
    /list/,
    'no shell would take it apart',
  ],
  ['[sender_rules]\nfile_reload = []', 'sender_rules.file_reload', /program/, 'no program'],
  ['[sender_rules]\nfile_reload = ["postfix", "reload"]', 'sender_rules.file_reload', /full/, 'whose PATH?'],
  ['[sender_rules]\nfile_reload = ["/bin/true", 1]', 'sender_rules.file_reload', /list/, 'a number'],
  ['[sender_rules]\nfile_group = "a b"', 'sender_rules.file_group', /getent/, 'no group'],
  ['[subscriptions]\nauto_subscribe = "yes"', 'subscriptions.auto_subscribe', /true/, 'text for a boolean'],
  ['[subscriptions]\nauto_subscribe = 1', 'subscriptions.auto_subscribe', /true/, 'a number for a boolean'],
  ['[schedule]\npoll_interval_ms = 1', 'schedule.poll_interval_ms', /50/, 'a busy loop'],
  ['[schedule]\nsweep_interval_minutes = 0', 'schedule.sweep_interval_minutes', /10080/, 'a busy loop'],
  ['[guard]\nmax_percent = 101', 'guard.max_percent', /100/, 'more than all'],
  ['[guard]\nmax_pairs = 0', 'guard.max_pairs', /1/, 'enabled = false is how to turn it off'],
  ['[log]\nlevel = "INFO"', 'log.level', /"info"/, 'case matters'],
  ['data_dir = 3', 'data_dir', /quotes/, 'a number for a path'],
  ['data_dir = "~/mandat"', 'data_dir', /full/, 'nobody expands it'],
  ['imap = "127.0.0.1"', 'imap', /\[imap\]/, 'text for a section'],
  ['[[policy]]\nmax_delegates = 3', 'policy', /\[policy\]/, 'a list of sections'],
  ['[sessions]\nend_command = "kick {login}"', 'sessions.end_command', /list/, 'a line for a shell'],
  ['[sessions]\nend_command = ["kick", "{login}"]', 'sessions.end_command', /full/, 'whose PATH?'],
  ['[sessions]\nend_command = []', 'sessions.end_command', /program/, 'no program'],
  ['[sessions]\nend_command = ["/bin/kick", "--user={login}"]', 'sessions.end_command', /word of its own/, 'in a word'],
  ['[sessions]\nlist_command = ["/bin/who", "{login}", "{login}"]', 'sessions.list_command', /once/, 'which is it?'],
  ['[sessions]\nlist_command = ["/bin/who", 3]', 'sessions.list_command', /list/, 'a number'],
  ['[sessions]\ntimeout_seconds = 0', 'sessions.timeout_seconds', /600/, 'no time at all'],
  ['[sessions]\nkind = "doveadm"', 'sessions.kind', /"doveadm-http"/, 'near'],
  ['sessions = false', 'sessions', /\[sessions\]/, 'left out, not switched off'],
];

/** Mistakes in sections with names of the site's own. */
const NAMED: readonly Row[] = [
  [`${PORTAL}services = "roundcube"`, 'portal.services', /\[portal\.services\.roundcube\]/, 'no sections'],
  [`${PORTAL}[[portal.services]]\nkey_file = "k"`, 'portal.services', /services\.roundcube/, 'a list of sections'],
  [service('Round_Cube'), 'portal.services.Round_Cube', /a-z 0-9 -/, 'two names that differ by their capitals'],
  [`${PORTAL}[portal.services]\nsogo = "k"`, 'portal.services.sogo', /\[portal\.services\.sogo\]/, 'text'],
  [service('sogo', 'actions = "readMe"'), 'portal.services.sogo.key_file', /roundcube\.key/, 'no key'],
  [service('sogo', 'key_file = "k"'), 'portal.services.sogo.actions', /"readMe"/, 'everything, or nothing?'],
  [service('sogo', 'key_file = "k"\nactions = ["letHeldGo"]'), 'portal.services.sogo.actions', /"readMe"/, 'theirs'],
  [service('sogo', `${KEYS}action = 1`), 'portal.services.sogo.action', /actions/, 'misspelt'],
];

/** Mistakes that take two keys. */
const ACROSS: readonly Row[] = [
  ['[imap]\ntls = "none"\nhost = "mail.example.org"', 'imap.tls', /starttls/, 'the password in clear'],
  ['[imap]\nadmin_user = "imap/bridge"', 'imap.admin_user', /suffix/, 'imapflow would drop the authzid'],
  ['[server]\nname = "mx3"\ncluster = ["mx1", "mx2"]', 'server.cluster', /this one too/, 'the same list everywhere'],
  ['[sender_rules]\nkind = "file"', 'sender_rules.file_format', /"opensmtpd"/, 'a file for whom?'],
  ['[sender_rules]\nkind = ["socketmap", "file"]', 'sender_rules.file_format', /"exim"/, 'the same in a list'],
  [
    '[sender_rules]\nkind = "file"\nfile_format = "opensmtpd"',
    'sender_rules.file_reload',
    /smtpctl/,
    'what was revoked would go on',
  ],
  [
    '[sender_rules]\nkind = "file"\nfile_format = "texthash"',
    'sender_rules.file_reload',
    /postfix.*reload/,
    'the same',
  ],
  [
    '[sender_rules]\nkind = "file"\nfile_format = "exim"\nfile_logins = "users"',
    'sender_rules.file_logins',
    /take it out/,
    'Exim has a rule for that',
  ],
  ['[sessions]\nkind = "command"', 'sessions.end_command', /full\/path.*config\/cyrus/, 'which command?'],
  ['[schedule]\nretry_min_seconds = 400', 'schedule.retry_min_seconds', /retry_max/, 'above the default maximum'],
];

t.test('each mistake, its path and remedy', async (t) => {
  for (const [text, path, remedy, why] of [...ALONE, ...NAMED, ...ACROSS]) {
    const mistakes = mistakesIn(text);
    t.equal(mistakes.length, 1, `one mistake: ${why}`);
    t.equal(mistakes[0]?.path, path, why);
    t.match(mistakes[0]?.remedy, remedy, why);
  }
});

t.test('five mistakes in one file are reported together, readably', async (t) => {
  const text = `
data_dir = ""
[policy]
rights = "lrd"
[imap]
port = "143"
hots = "mail.example.org"
[guard]
max_percent = 300
`;
  const mistakes = mistakesIn(text);
  t.same(mistakes.map(({ path }) => path).sort(), [
    'data_dir',
    'guard.max_percent',
    'imap.hots',
    'imap.port',
    'policy.rights',
  ]);
  t.throws(() => parseConfig(text, FILE), {
    name: 'ConfigError',
    message: new RegExp(`^${FILE}.*(\\n.*){10}$`),
  });
});

t.test('no mistake hides another', async () => {
  const inSections = ALONE.filter(([text]) => /^\[\w+\]\n/.test(text));
  const some = fc.uniqueArray(fc.constantFrom(...inSections), { selector: ([, path]) => path });
  fc.assert(
    fc.property(some, (rows) => {
      const settings = rows.map(([text, path]) => `${path} = ${text.slice(text.indexOf('=') + 1)}`);
      const found = mistakesIn(settings.join('\n')).map(({ path }) => path);
      return found.length === rows.length && rows.every(([, path]) => found.includes(path));
    }),
  );
});

t.test('a rule across two keys is checked although a third is wrong', async (t) => {
  const others = [
    'port = "1"',
    'connections = 1.5',
    'server = "courier"',
    'ca_file = 3',
    'colour = "red"',
    'port = nan',
  ];
  for (const other of others) {
    const paths = mistakesIn(`[imap]\ntls = "none"\nhost = "mail.example.org"\n${other}`).map(({ path }) => path);
    t.ok(paths.includes('imap.tls') && paths.length === 2, other);
  }
});

t.test('whatever stands there, the answer is a Config or a ConfigError', async () => {
  const value = fc.oneof(
    fc.string().map((s) => JSON.stringify(s)),
    fc.integer().map(String),
    fc.boolean().map(String),
  );
  const key = fc.constantFrom('port', 'host', 'tls', 'rights', 'url', 'timezone', 'level', 'data_dir', 'constructor');
  const section = fc.constantFrom('imap', 'policy', 'sessions', 'log', 'toString', 'hasOwnProperty');
  fc.assert(
    fc.property(section, key, value, (section, key, value) => {
      for (const { path, message, remedy } of mistakesIn(`${key} = ${value}\n[${section}]\n${key} = ${value}`)) {
        if (message === '' || remedy === '' || remedy === 'undefined' || path === '') return false;
      }
      return true;
    }),
  );
});
