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
  t.equal(committed, example, 'if not: npx tsx config/example.ts > config/mandat.toml');
});

t.test('as it stands it is the defaults, with the optional sections', async (t) => {
  t.same(
    parseConfig(example, FILE),
    parseConfig('[sessions]\n[sender_rules]\n[submission]\n[accounts]\n[notices]', FILE),
  );
});

t.test('its commented-out keys are good too', async (t) => {
  const config = parseConfig(example.replace(/^# (\w+ = (?:".*"|\[.*\]))$/gm, '$1'), FILE);
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
    const start = lines.indexOf(`[${name}]`);
    t.not(start, -1, `[${name}]`);
    const end = lines.findIndex((line, at) => at > start && line.startsWith('['));
    const body = lines.slice(start, end === -1 ? undefined : end);
    for (const key of Object.keys(section.shape)) {
      const at = body.flatMap((line, index) => (line.replace(/^# /, '').startsWith(`${key} = `) ? [index] : []));
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
