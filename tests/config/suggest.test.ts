import t from 'tap';
import { suggestion } from '../../config/suggest.ts';

t.test('an unknown key is answered with the one that was meant', async (t) => {
  /** section ('' is the top of the file), key, what the answer names, why */
  const rows = [
    ['imap', 'prot', /\bport\b/, 'letters swapped'],
    ['imap', 'hots', /\bhost\b/, 'letters swapped in a short name'],
    ['imap', 'adminUser', /admin_user/, 'camelCase'],
    ['imap', 'admin-password-file', /admin_password_file/, 'hyphens'],
    ['imap', 'admin_password', /admin_password_file/, 'the secret itself'],
    ['imap', 'timeout', /timeout_seconds/, 'without its unit'],
    ['policy', 'max_delegate', /max_delegates/, 'singular'],
    ['policy', 'rigths', /rights/, 'letters swapped'],
    ['sessions', 'api_key', /api_key_file/, 'the secret itself'],
    ['imap', 'level', /\[log\]/, 'a key of another section'],
    ['sessions', 'port', /\[imap\]/, 'a key of another section'],
    ['guard', 'kind', /\[sessions\].*\[sender_rules\]/, 'a key of two other sections'],
    ['imap', 'data_dir', /top of the file/, 'below a [section] it belongs to that section'],
    ['', 'port', /\[imap\]/, 'its section is missing'],
    ['', 'imapp', /\[imap\]/, 'a misspelt section'],
    ['', 'sender-rules', /\[sender_rules\]/, 'a section with a hyphen'],
    ['', 'subscription', /\[subscriptions\]/, 'a section in the singular'],
    ['imap', 'sessions', /\[sessions\]/, 'a section inside another'],
    ['imap', 'polcy', /\[policy\]/, 'a misspelt section inside another'],
    ['guard', 'max_delegats', /max_delegates.*\[policy\]/, 'misspelt, and of another section'],
    ['guard', 'colour', /enabled, max_pairs, max_percent/, 'nothing like it: what there is'],
    ['', 'constructor', /data_dir/, 'a name that every object has'],
  ] as const;
  for (const [section, key, named, why] of rows) t.match(suggestion(section, key), named, `${section}.${key}: ${why}`);
});
