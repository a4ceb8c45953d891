/** What a site's own configuration adds to every mailbox's ACL, in the syntax of either Dovecot. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import type { DovecotVersion } from '../../../config/lab/dovecot-version.ts';
import { at } from '../site.ts';

type Both = Readonly<Record<DovecotVersion, string>>;

/** `acl = vfile:FILE` (2.4: `acl_global_path`); or, where there are several, by file name, `acl = vfile:DIRECTORY`. Lines of a file: pattern, identifier, rights. */
export async function globalAcl(lines: string | Readonly<Record<string, string>>): Promise<Both> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'mandat-acl-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  await chmod(directory, 0o755); // the mail's uid reads it
  const target = path.join(directory, 'acl');
  if (typeof lines === 'string') await writeFile(target, lines);
  else {
    await mkdir(target);
    for (const [name, text] of Object.entries(lines)) await writeFile(path.join(target, name), text);
  }
  return { '2.3': `plugin {\n  acl = vfile:${target}:cache_secs=0\n}`, '2.4': `acl_global_path = ${target}` };
}

/** Inside the userdb: who is in a group, and nobody else. */
export function group(name: string, ...members: readonly string[]): Both {
  const who = (dot: string) => members.map((one) => at(one).replaceAll('.', dot)).join('|');
  return {
    '2.3': `  override_fields = acl_groups=%{if;%u;~;^(${who('\\.')})$;${name};nobodys}\n`,
    '2.4': `  fields {\n    acl_groups = %{user | if('~', '^(${who('[.]')})$', '${name}', 'nobodys')}\n  }\n`,
  };
}
