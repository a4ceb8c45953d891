/** Virtual domains: the identifier is `bob@ex.test`, the tree `Other Users/alice` or `user.alice`. */
import { tell } from './cyrus-story.ts';

await Promise.all((['slashes', 'dots'] as const).map((namespace) => tell({ virtualDomains: true, namespace })));
