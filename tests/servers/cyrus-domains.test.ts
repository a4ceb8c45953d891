/** Virtual domains: the identifier is `bob@ex.test`, the tree `Other Users/alice`. */
import { tell } from './cyrus-story.ts';

await tell({ virtualDomains: true, namespace: 'slashes' });
