/** Whom the trace knows, from the delegation table in a file: looked up at once, in a connection of its own that only reads. */
import { DELEGATIONS } from '../store/databases.ts';
import { dataVersionOf } from '../store/files/busy.ts';
import { guarded, open } from '../store/files/open.ts';
import { rememberedPeople, type Standing, type TablePeople } from './remembered-people.ts';
import type { TracedMailbox } from './traced-people.ts';

/** `file`: of the table. `now` in ms. */
export function openTablePeople(file: string, now: () => number = Date.now): TablePeople {
  const database = open(file, DELEGATIONS, { readonly: true });
  const version = dataVersionOf(database);
  const mailbox = database.prepare<[string], TracedMailbox>(
    'SELECT id, address, login, COALESCE(owner, login) AS owner FROM mailboxes WHERE login = ?',
  );
  const delegate = database.prepare<[string], string>('SELECT identifier FROM delegates WHERE login = ?').pluck();
  const delegation = database.prepare<[number, string], Standing>(
    `SELECT g.id, g.created_at AS createdAt FROM delegations g JOIN delegates d ON d.id = g.delegate_id
     WHERE g.mailbox_id = ? AND d.login = ?`,
  );
  const people = rememberedPeople(
    {
      mailbox: (login) => mailbox.get(login),
      delegate: (login) => delegate.get(login),
      delegation: (id, login) => delegation.get(id, login),
    },
    now,
  );
  let seen = version();
  const refresh = () => {
    const next = version();
    if (next === seen) return;
    seen = next;
    people.forget();
    for (const pair of people.used()) people.lookAt(pair);
  };
  return {
    ...people,
    refresh,
    known: () => {},
    look: async () => guarded(file, DELEGATIONS, refresh),
    close: async () => void database.close(),
  };
}
