/** The sender rules in PostgreSQL beside the map: what is missing there after a death, a standby with a map of its own, a mailbox that moves to another server. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import type { SenderRule } from '../../acl/desired.ts';
import { type Senders, senders } from '../../bridge/sender/outputs.ts';
import { postgresRules } from '../../bridge/sender/postgres-rules.ts';
import type { PostgresSettings } from '../../bridge/store/postgres/connection.ts';
import { sharedRules } from '../../bridge/store/postgres/sender-rules.ts';
import { openPostgresState } from '../../bridge/store/postgres/state-db.ts';
import { openSenderMap, type PublishedMap, prepareSenderMap } from '../../bridge/store/published/sender-map.ts';
import type { StateDb } from '../../bridge/store/state/state-db.ts';
import { madeDatabase, psql } from '../store/on-postgresql.ts';

const rule = (address: string, login: string): SenderRule => ({ address, login });
const ALICE = [rule('alice', 'alice'), rule('alice', 'bob')];

/** A machine: its map, and a process on it. `broken`: PostgreSQL takes nothing. */
function machine(t: Test, state: StateDb, server = 'main') {
  const directory = path.join(mkdtempSync(path.join(os.tmpdir(), 'mandat-map-')), 'sender');
  t.teardown(() => rmSync(path.dirname(directory), { recursive: true }));
  prepareSenderMap(directory, undefined);
  let open: PublishedMap | undefined;
  let broken = false;
  t.teardown(() => open?.close());
  return {
    breaks: (now: boolean) => {
      broken = now;
    },
    /** Another process than the one before, which has died wherever it was. */
    start: async (): Promise<Senders & { readonly map: PublishedMap }> => {
      open?.close();
      const map = openSenderMap(directory);
      open = map;
      const shared = sharedRules(state, server);
      const make: typeof shared.make = (some) => (broken ? Promise.reject(new Error('cut off')) : shared.make(some));
      const all = senders(map, [postgresRules(map, { ...shared, make })], () => {});
      await all.settle();
      return { ...all, map };
    },
  };
}

async function site(): Promise<{ readonly settings: PostgresSettings; readonly state: StateDb }> {
  const settings = await madeDatabase();
  const state = await openPostgresState(settings);
  t.teardown(() => state.close());
  return { settings, state };
}

const view = (settings: PostgresSettings) =>
  psql(
    settings,
    "SELECT string_agg(address || '<' || login, ' ' ORDER BY address, login) FROM mandat_sender.sender_login",
  );

t.test('what a process has not brought there, the next one does', async (t) => {
  const { settings, state } = await site();
  const one = machine(t, state);
  const first = await one.start();
  await first.publish(1, ALICE);
  await first.publish(2, [rule('carol', 'carol')]);
  t.equal(await view(settings), 'alice<alice alice<bob carol<carol');
  one.breaks(true);
  const { failed = [] } = await first.publish(1, [rule('alice', 'alice')]);
  t.match(failed, [
    { code: 'retry', message: /the view mandat_sender\.sender_login in PostgreSQL does not have the sender rules yet/ },
  ]);
  t.equal(await view(settings), 'alice<alice alice<bob carol<carol');
  one.breaks(false);
  const second = await one.start();
  t.equal(await view(settings), 'alice<alice carol<carol');
  t.same(second.map.copied.behind(10), []);
});

t.test('a map that was there before PostgreSQL was asked, and rules there that nobody has published', async (t) => {
  const { settings, state } = await site();
  const one = machine(t, state);
  const { map } = await one.start();
  map.publish(1, ALICE);
  await psql(
    settings,
    "DELETE FROM mandat_sender.published; INSERT INTO mandat_sender.rules VALUES ('x', 'y', 9, 'main'), ('z', 'z', 8, 'other')",
  );
  await one.start();
  t.equal(await view(settings), 'alice<alice alice<bob z<z', 'those of another server stay');
});

t.test('another machine takes over: its own map is old, and what the first one published holds', async (t) => {
  const { settings, state } = await site();
  const [one, two] = [machine(t, state), machine(t, state)];
  const first = await one.start();
  await first.publish(1, ALICE);
  await first.publish(2, [rule('carol', 'bob')]);
  one.breaks(true);
  await first.publish(3, [rule('dave', 'bob')]); // never arrives: it was not in force
  const second = await two.start();
  t.same(second.map.rules(1), ALICE);
  await second.publish(1, [rule('alice', 'alice')]);
  await second.publish(2, []);
  one.breaks(false);
  const third = await one.start();
  t.equal(await view(settings), 'alice<alice', 'nothing that was revoked meanwhile comes back');
  t.same(third.map.all(), [{ address: 'alice', login: 'alice', mailboxId: 1 }], 'nor stays beside its own Postfix');
});

t.test('a mailbox moves to another server: its rules follow, and the old one takes away none of the new', async (t) => {
  const { settings, state } = await site();
  const id = await psql(
    settings,
    "INSERT INTO mandat.mailbox (address, server) VALUES ('alice@x.test', 'mx1'); SELECT id FROM mandat.mailboxes",
  );
  const mailbox = Number(id);
  const [old, next] = [await machine(t, state, 'mx1').start(), await machine(t, state, 'mx2').start()];
  await old.publish(mailbox, ALICE);
  await psql(settings, "UPDATE mandat.mailbox SET server = 'mx2'");
  await next.publish(mailbox, [rule('alice', 'alice'), rule('alice', 'dave')]);
  t.equal(await view(settings), 'alice<alice alice<dave', 'what the old one had left is gone');
  await old.publish(mailbox, []);
  t.equal(await view(settings), 'alice<alice alice<dave');
  await next.publish(mailbox, []);
  t.equal(await view(settings), '');
});
