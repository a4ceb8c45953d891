/** As Debian has it: the owner's `INBOX.Sent` is a delegate's `user.alice.Sent`. */
import { tell } from './cyrus-story.ts';

await tell({ namespace: 'dots' });
