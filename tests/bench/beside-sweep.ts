/** A grant beside a sweep that is under way, and the same on a site that rests, in turn: of mailboxes whose accounts the server has, or doesn't have. */
import { startSite } from '../servers/site.ts';
import { putRing, ring } from './converged.ts';
import { GIVE, oneGrant, TAKE } from './one-grant.ts';
import { type Comparison, compare } from './pairs.ts';
import { sweepsOf } from './sweeps.ts';

const LONG_MS = 600_000;
const OURS = ['alice', 'bob'] as const;
const EACH = 5;

async function ground(mailboxes: number, accounts: 'known' | 'unknown') {
  const people = ring(mailboxes, EACH);
  const site = await startSite({
    reuse: false,
    users: [...OURS, ...(accounts === 'known' ? [...people.owners, ...people.people] : [])],
    postfix: false,
    extraToml: process.env.BENCH_SCHEDULE ?? '',
  });
  await site.register(...OURS);
  if (mailboxes > 0) putRing(site, people);
  const sidecar = await site.run();
  const { state, commit, reached, close } = oneGrant(site, LONG_MS);
  return {
    site,
    sweeps: sweepsOf(state, sidecar, LONG_MS),
    /** From the commit until it is in force. */
    grant: async () => {
      const began = performance.now();
      const given = commit(GIVE);
      await reached('in_force_version', given);
      const took = performance.now() - began;
      await reached('verified_version', given);
      await reached('verified_version', commit(TAKE));
      return took;
    },
    stop: async () => {
      close();
      await sidecar.end();
      await site.stop();
    },
  };
}

export async function besideSweepFigures(
  mailboxes: number,
  accounts: 'known' | 'unknown',
  pairs: number,
): Promise<Comparison> {
  const busy = await ground(mailboxes, accounts);
  const quiet = await ground(0, 'known');
  try {
    await quiet.sweeps.ended();
    await busy.grant();
    return await compare(
      `a grant, in force, beside a sweep of mailboxes whose accounts the server ${accounts === 'known' ? 'has' : "doesn't have"}`,
      async () => {
        await busy.sweeps.begin();
        return busy.grant();
      },
      quiet.grant,
      pairs,
    );
  } finally {
    await busy.stop();
    await quiet.stop();
  }
}
