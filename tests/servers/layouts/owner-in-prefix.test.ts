/** The owner's login written otherwise than whole: `shared/%%n/` without the domain, `Shared/%%d/%%n/` with it as a folder above. */
import { tell } from './story.ts';

await Promise.all([
  tell({
    site: { extraDovecot: 'namespace shared {\n  prefix = shared/%%n/\n}\n' },
    writing: { root: (owner) => `shared/${owner.replace(/@.*/, '')}` },
  }),
  tell({
    site: { inherit: false, extraDovecot: 'namespace shared {\n  prefix = Shared/%%d/%%n/\n}\n' },
    writing: { root: (owner) => `Shared/${owner.replace(/^(.*)@(.*)$/, '$2/$1')}` },
  }),
]);
