/** Each way in which Dovecot keeps mail, with and without inheritance. */
import { tell } from './story.ts';

await Promise.all([
  tell({ site: { storage: 'maildir', inherit: false } }),
  tell({ site: { storage: 'sdbox', inherit: true } }),
  tell({ site: { storage: 'mdbox', inherit: true } }),
]);
