/** The lab's Cyrus: both namespaces, virtual domains, and nothing left of it afterwards. */
import { existsSync } from 'node:fs';
import t from 'tap';
import { type CyrusOptions, startCyrus } from '../../config/lab/cyrus.ts';
import { whyNoCyrus } from '../../config/lab/cyrus-packages.ts';
import { isAlive } from '../../config/lab/processes.ts';
import { connectImap } from '../../config/lab/raw-imap.ts';
import { list } from './wire.ts';

const cases: readonly (Omit<CyrusOptions, 'users'> & { readonly login: string; readonly own: readonly string[] })[] = [
  {
    namespace: 'dots',
    login: 'alice',
    own: ['INBOX', 'INBOX.Drafts', 'INBOX.Junk', 'INBOX.Sent', 'INBOX.Trash'],
  },
  { namespace: 'slashes', login: 'alice', own: ['Drafts', 'INBOX', 'Junk', 'Sent', 'Trash'] },
  { virtualDomains: true, login: 'alice@ex.test', own: ['Drafts', 'INBOX', 'Junk', 'Sent', 'Trash'] },
];

const skip = await whyNoCyrus();

for (const { login, own, ...options } of cases) {
  t.test(`${options.namespace ?? 'slashes'}, ${login}`, { skip }, async (t) => {
    const lab = await startCyrus({ ...options, users: [{ login, password: 'secret' }] });
    t.teardown(() => lab.stop());
    const imap = await connectImap(lab.imap);
    t.equal((await imap.login(login, 'secret')).status, 'OK');
    t.same(await list(imap, '*'), own);
    const bridge = await connectImap(lab.imap);
    t.equal((await bridge.loginAs(login, lab.master.user, lab.master.password)).status, 'OK');
    t.same(await list(bridge, '*'), own, 'the account of proxyservers is that user then');
    const pids = lab.pids();
    t.equal(pids.length, 1);
    await lab.stopServer();
    await lab.start();
    t.equal((await (await connectImap(lab.imap)).login(login, 'secret')).status, 'OK', 'it starts again');
    await lab.stop();
    t.notOk([...pids, ...lab.pids()].some(isAlive));
    t.notOk(existsSync(lab.directory));
  });
}
