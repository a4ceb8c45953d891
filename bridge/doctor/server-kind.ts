/** Which kind of IMAP server it is: what is asked of it, and how its answers are read, goes by that. */
import { introduction } from '../imap/server-introduction.ts';
import { type Check, ok, skipped } from './finding.ts';
import { NOBODY } from './imap.ts';
import { separator } from './separator.ts';

export const serverKind: Check = {
  name: 'kind of server',
  needs: [separator],
  look: async (subject) => {
    const opened = await subject.opened();
    const dialect = await subject.dialect();
    if (opened === undefined || dialect === undefined) return skipped(NOBODY);
    const { name, version } = await introduction(opened.connection);
    const says = [name, version].filter((word) => word !== '').join(' ');
    const how = subject.config.imap.server === 'auto' ? 'by what it says of itself' : 'as imap.server says';
    return ok(`${says === '' ? 'it does not say what it is' : says}: spoken to as ${dialect.title}, ${how}`);
  },
};
