/** Cyrus, taken for a server of which nothing is known: the same story as with its own dialect. */
import { tell } from './cyrus-story.ts';

await tell({ namespace: 'slashes', extraImap: 'server = "rfc4314"' });
