/** Dovecot, taken for a server of which nothing is known: the same story, for whoever trusts it with x. */
import { tell } from './story.ts';

await tell({ site: { extraImap: 'server = "rfc4314"\nallow_carrying_off = true' } });
