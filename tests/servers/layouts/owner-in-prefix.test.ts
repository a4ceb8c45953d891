/** The owner's login written otherwise than whole: `shared/%%n/` without the domain, `Shared/%%d/%%n/` with it as a folder above. */
import { ownersInPrefix } from '../../../config/lab/dovecot-syntax.ts';
import { tell } from './story.ts';

await Promise.all([
  tell({
    site: { extraDovecot: ownersInPrefix('namespace shared {\n  prefix = shared/%%n/\n}\n') },
    writing: { root: (owner) => `shared/${owner.replace(/@.*/, '')}` },
  }),
  tell({
    site: { inherit: false, extraDovecot: ownersInPrefix('namespace shared {\n  prefix = Shared/%%d/%%n/\n}\n') },
    writing: { root: (owner) => `Shared/${owner.replace(/^(.*)@(.*)$/, '$2/$1')}` },
  }),
]);
