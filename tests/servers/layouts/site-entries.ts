/** What a site's own configuration adds to every mailbox's ACL, in the syntax of Dovecot 2.3. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { at } from '../site.ts';

/** `acl = vfile:FILE`; or, where there are several, by file name, `acl = vfile:DIRECTORY`. Lines of a file: pattern, identifier, rights. */
export async function globalAcl(lines: string | Readonly<Record<string, string>>): Promise<string> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'mandat-acl-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  await chmod(directory, 0o755); // the mail's uid reads it
  const target = path.join(directory, 'acl');
  if (typeof lines === 'string') await writeFile(target, lines);
  else {
    await mkdir(target);
    for (const [name, text] of Object.entries(lines)) await writeFile(path.join(target, name), text);
  }
  return `plugin {\n  acl = vfile:${target}:cache_secs=0\n}`;
}

/** Inside the userdb: who is in a group, and nobody else. */
export function group(name: string, ...members: readonly string[]): string {
  const who = members.map((one) => at(one).replaceAll('.', '\\.')).join('|');
  return `  override_fields = acl_groups=%{if;%u;~;^(${who})$;${name};nobodys}\n`;
}
