/**
 * What differs between the two sides: the delegate's private namespace has a prefix, by their entry in the userdb, and the owner's has none; and dots
 * between the owner's folders with slashes in the shared namespace, which Dovecot permits where that one is not listed by itself (`list = no`).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { waitFor } from '../../../config/lab/wait.ts';
import { at, type Site } from '../site.ts';
import { withLogin } from '../wire.ts';
import { tell } from './story.ts';

async function giveBobAPrefix(site: Site): Promise<void> {
  const file = path.join(site.lab.directory, 'dovecot/users');
  const lines = readFileSync(file, 'utf8').split('\n');
  const field = ' userdb_namespace/inbox/prefix=INBOX/';
  writeFileSync(file, lines.map((line) => (line.startsWith(`${at('bob')}:`) ? line + field : line)).join('\n'));
  await waitFor('their names begin with it', 10_000, () =>
    withLogin(site, 'bob', async (bob) => /"INBOX\/"/.test((await bob.command('NAMESPACE')).lines.join())),
  );
}

await Promise.all([
  tell({ before: giveBobAPrefix, subscriptions: false }),
  tell({
    site: {
      inherit: false,
      extraDovecot:
        'namespace inbox {\n  prefix = INBOX.\n  separator = .\n}\nnamespace shared {\n  prefix = shared/%%u/\n  separator = /\n  list = no\n}\n',
    },
    writing: { prefix: 'INBOX.', delimiter: '.', sharedDelimiter: '/' },
    subscriptions: false,
  }),
]);
