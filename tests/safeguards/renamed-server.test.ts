/** A `[server] name` that was changed on a machine that has worked under another. */
import { hostname } from 'node:os';
import t from 'tap';
import { refuseRenamedServer } from '../../bridge/safeguards/renamed-server.ts';
import { setFact } from '../../bridge/store/state/facts.ts';
import { addMailbox, removeMailbox } from '../../bridge/store/table/mailboxes.ts';
import { freshFiles, openState, openTable } from '../store/fresh.ts';

const WRITER = { actor: 'test' };

t.test('in files', async (t) => {
  const files = freshFiles(t);
  const [table, state] = [openTable(t, files), openState(t, files)];
  const config = (name: string) => ({ dataDir: '/var/lib/mandat', database: undefined, server: { name } }) as never;
  await addMailbox(table, WRITER, 'alice@example.org', {});
  await refuseRenamedServer(config('mx2'), table, state);
  await setFact(state, 'sidecar', '{"pid":1}');
  await refuseRenamedServer(config('main'), table, state);
  await t.rejects(refuseRenamedServer(config('mx2'), table, state), {
    code: 'config',
    rule: 'MANDAT_SERVER_RENAMED',
    message: /of main so far/,
  });
  await removeMailbox(table, WRITER, 'alice@example.org');
  await refuseRenamedServer(config('mx2'), table, state);
});

t.test('in PostgreSQL only what this machine has worked on counts', async (t) => {
  const files = freshFiles(t);
  const [table, state] = [openTable(t, files), openState(t, files)];
  const dataDir = '/var/lib/mandat';
  const config = { dataDir, database: 'postgres://mandat@db/mandat', server: { name: 'mx2' } } as never;
  await addMailbox(table, WRITER, 'alice@example.org', {});
  for (const [home, refused] of [
    [{ host: 'another', dataDir }, false],
    [{ host: hostname(), dataDir: '/srv/mandat' }, false],
    [{}, false],
    [{ host: hostname(), dataDir }, true],
  ] as const) {
    await setFact(state, 'sidecar', JSON.stringify({ pid: 1, ...home }));
    const asked = refuseRenamedServer(config, table, state);
    if (refused) await t.rejects(asked, { code: 'config', rule: 'MANDAT_SERVER_RENAMED' });
    else await t.resolves(asked);
  }
});
