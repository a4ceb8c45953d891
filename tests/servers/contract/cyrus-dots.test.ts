/** On Cyrus, as Debian has it: \`user.alice.Sent\`. */
import { whyNoCyrus } from '../../../config/lab/cyrus-packages.ts';
import { startCyrusSite } from '../cyrus-site.ts';
import { holds } from './contract.ts';

await holds({
  skip: await whyNoCyrus(),
  deletesFolders: false,
  sharesSeen: false,
  comments: true,
  start: (users) => startCyrusSite({ users, namespace: 'dots' }),
});
