/** Every trouble of a machine, each in turn: `npm run proof:faults -- --machine [--only WORDS]`. */
import { startSite } from '../../servers/site.ts';
import { CERTIFICATE_TROUBLES } from './certificates.ts';
import { MACHINE_TROUBLES } from './machine.ts';
import type { Survived } from './trouble.ts';
import { RUNNING_TROUBLES } from './while-running.ts';

/** `only`: those whose description has these words. */
export async function troubles(only: string, say: (one: Survived) => void): Promise<void> {
  const chosen = [...MACHINE_TROUBLES, ...RUNNING_TROUBLES].filter(([what]) => what.includes(only));
  if (chosen.length > 0) {
    const site = await startSite({
      users: ['alice', 'bob', 'carol'],
      postfix: false,
      extraToml: '[schedule]\nretry_min_seconds = 1\nretry_max_seconds = 2',
    });
    try {
      await site.register('alice', 'bob', 'carol');
      for (const [what, play] of chosen) say({ what, ...(await play(site)) });
    } finally {
      await site.stop();
    }
  }
  for (const [what, play] of CERTIFICATE_TROUBLES) if (what.includes(only)) say({ what, ...(await play()) });
}
