/** What Debian 13's Node says to a command of root's (docs/server-notes.md) is no defect of mandat's, and has a way out. */
import t from 'tap';
import { failureOf } from '../../bridge/shared/failure.ts';

t.test('a Node that lets no program become another user', async (t) => {
  const failure = failureOf(new Error('setegid() disabled: io_uring may be enabled. See CVE-2024-22017.'));
  t.match(failure, { code: 'config', message: /lets no program become another user/, hint: /nodejs\.org.*runuser/ });
});
