/** altnamespace and unixhierarchysep: `Other Users/alice/Sent`. */
import { tell } from './cyrus-story.ts';

await tell({ namespace: 'slashes' });
