/** An address goes to another mailbox while a pass over the one that had it is under way: who has it now keeps the right to send, and nobody else does. */
import t from 'tap';
import { waitFor } from '../../config/lab/wait.ts';
import { type Fate, routeThrough, startProxy } from './imap-proxy.ts';
import { runInside } from './inside.ts';
import { grantRow } from './rows.ts';
import { at, startSite } from './site.ts';
import { senderAnswer } from './submission.ts';

const LIMIT_MS = 30_000;

const here = await startSite({ users: ['o1', 'o2', 'd1'] });
t.teardown(() => here.stop());
let meanwhile: (() => Promise<void>) | undefined;
const proxy = await startProxy(here.lab.imap, async (line): Promise<Fate> => {
  const once = meanwhile;
  if (once === undefined || !/ SETACL "?INBOX/.test(line)) return 'pass';
  meanwhile = undefined;
  await once();
  return 'pass';
});
t.teardown(() => proxy.close());
await routeThrough(here, proxy);
await here.register('o1', 'd1');
await here.register('o2');
const name = (from: string, to: string) =>
  here.sql(`UPDATE mailbox SET address = '${at(to)}' WHERE address = '${at(from)}'`);
await name('o1', 'office'); // an address that is nobody's login
const sends = async (who: string, as: string) => (await senderAnswer(here, who, at(as))).code === 250;

t.test('the pass that has it from before comes last', async (t) => {
  const sidecar = await runInside(here);
  t.teardown(() => sidecar.stop());
  await here.settled();
  let moved = false;
  meanwhile = async () => {
    await name('office', 'desk');
    await name('o2', 'office');
    await waitFor('the other mailbox has it', LIMIT_MS, () => sends('o2', 'office'));
    moved = true;
  };
  await grantRow(here, 'office', 'd1');
  await waitFor('it has moved', LIMIT_MS, () => moved);
  await here.settled();
  t.ok(await sends('o2', 'office'), 'who has it now');
  t.notOk((await sends('o1', 'office')) || (await sends('d1', 'office')), 'nobody else');
  t.ok((await sends('o1', 'desk')) && (await sends('d1', 'desk')));
});
