import { readFileSync } from 'node:fs';
import t from 'tap';
import { z } from 'zod';
import { renderExample } from '../../config/example.ts';
import { bare, docs } from '../../config/fields.ts';
import { parseConfig } from '../../config/parse.ts';
import { schema } from '../../config/schema.ts';

const FILE = '/srv/mandat/mandat.toml';
const example = renderExample();

t.test('config/mandat.toml is fresh', async (t) => {
  const committed = readFileSync(new URL('../../config/mandat.toml', import.meta.url), 'utf8');
  t.equal(committed, example, 'if not: npm run docs');
});

t.test('as it stands it is the defaults, with the optional sections that most sites have', async (t) => {
  t.same(parseConfig(example, FILE), parseConfig('[sessions]\n[sender_rules]', FILE));
});

/** With every setting that is off switched on. */
const everything = example.replace(/^#(?=[[\w])/gm, '');

t.test('with the # taken away it is the defaults, with every section', async (t) => {
  const all = parseConfig(everything, FILE);
  const own = 'runtime_dir = "/run/mandat"\n'; // whose default follows from data_dir
  const defaults = parseConfig(`${own}[sessions]\n[sender_rules]\n[submission]\n[accounts]\n[notices]`, FILE);
  t.match(all, {
    submission: defaults.submission,
    accounts: { codeMinutes: 60 },
    notices: { from: 'mandat@localhost' },
  });
});

t.test('what is left out fits the scheme', async (t) => {
  const login = parseConfig('[identity]\nscheme = "login"\n[notices]', FILE);
  t.match(login, {
    identity: { unknownCredential: 'valid' },
    grant: { acknowledge: false },
    notices: { language: 'en' },
    accounts: undefined,
  });
  t.equal(login.policy.timezone, Intl.DateTimeFormat().resolvedOptions().timeZone);
  t.equal(parseConfig('[identity]\nscheme = "login"', FILE).notices, undefined, 'no section is added');
  const rpps = parseConfig('[notices]', FILE);
  t.match(rpps, {
    identity: { unknownCredential: 'invalid' },
    grant: { acknowledge: true },
    notices: { language: 'fr' },
  });
  t.equal(rpps.policy.timezone, 'Europe/Paris');
  const chosen = '[identity]\nscheme = "login"\nunknown_credential = "invalid"\n[grant]\nacknowledge = true';
  t.match(parseConfig(chosen, FILE), { identity: { unknownCredential: 'invalid' }, grant: { acknowledge: true } });
  t.match(
    parseConfig(example.replace('scheme = "rpps"', 'scheme = "login"'), FILE),
    {
      identity: { unknownCredential: 'valid' },
      grant: { acknowledge: false },
    },
    'the annotated file too, with that one word changed',
  );
});

t.test('its commented-out keys are good too', async (t) => {
  const config = parseConfig(everything, FILE);
  t.equal(config.imap.caFile, '/srv/mandat/ca.pem');
  t.equal(config.imap.serverName, 'imap.example.org');
  t.same(config.senderRules?.fileReload, ['/usr/sbin/smtpctl', 'update', 'table', 'mandat']);
});

t.test('every key of the schema stands in it once, below a comment', async (t) => {
  const lines = example.split('\n');
  for (const [name, field] of Object.entries(schema.shape)) {
    const section = bare(field);
    if (!(section instanceof z.ZodObject)) continue;
    t.ok(docs.has(field), `[${name}] is documented`);
    const start = lines.findIndex((line) => line === `[${name}]` || line === `#[${name}]`);
    t.not(start, -1, `[${name}]`);
    const end = lines.findIndex((line, at) => at > start && /^#?\[/.test(line) && !line.includes(`[${name}.`));
    const whole = lines.slice(start, end === -1 ? undefined : end);
    const below = whole.findIndex((line) => line.includes(`[${name}.`));
    const own = below === -1 ? whole : whole.slice(0, below);
    for (const key of Object.keys(section.shape)) {
      const named = docs.get(section.shape[key] as z.core.$ZodType)?.named;
      const shown = named === undefined ? `${key} = ` : `[${name}.${key}.${named}]`;
      const body = named === undefined ? own : whole;
      const at = body.flatMap((line, index) => (line.replace(/^#/, '').startsWith(shown) ? [index] : []));
      t.equal(at.length, 1, `${name}.${key}`);
      t.match(body[(at[0] ?? 0) - 1], /^# ./, `${name}.${key} is explained`);
    }
  }
});

t.test('no line is longer than a terminal is wide', async (t) => {
  t.same(
    example.split('\n').filter((line) => line.length > 110),
    [],
  );
});
