/** A query that is kept gives what the same query gives when it is put together each time, on each database by itself. */
import Database from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import t from 'tap';
import { keptQuery } from '../../bridge/store/kept-queries.ts';

interface Shelf {
  books: { id: number; name: string; pages: number | null };
}

function shelf(...names: readonly string[]): Kysely<Shelf> {
  const database = new Database(':memory:');
  database.exec('CREATE TABLE books (id INTEGER PRIMARY KEY, name TEXT NOT NULL, pages INTEGER)');
  for (const name of names) database.prepare('INSERT INTO books (name) VALUES (?)').run(name);
  return new Kysely<Shelf>({ dialect: new SqliteDialect({ database }) });
}

t.test('other values each time, in the order of the question', async (t) => {
  let built = 0;
  const between = keptQuery((query: Kysely<Shelf>, { first, name }: { first: number; name: string }) => {
    built++;
    return query.selectFrom('books').select(['id', 'name']).where('name', '<>', name).where('id', '>=', first).limit(2);
  });
  const query = shelf('a', 'b', 'c', 'd');
  t.same(await between(query, { first: 2, name: 'c' }), [
    { id: 2, name: 'b' },
    { id: 4, name: 'd' },
  ]);
  t.same(await between(query, { name: 'a', first: 1 }), [
    { id: 2, name: 'b' },
    { id: 3, name: 'c' },
  ]);
  const inside = await query.transaction().execute((one) => between(one, { first: 4, name: '' }));
  t.same(inside, [{ id: 4, name: 'd' }]);
  t.equal(built, 1, 'put together once, in a transaction too');
  t.same(await between(shelf('x', 'y'), { first: 1, name: 'y' }), [{ id: 1, name: 'x' }]);
  t.equal(built, 2, 'once a database');
});

t.test('what is written, NULL too', async (t) => {
  const put = keptQuery(
    (query: Kysely<Shelf>, { id, name, pages }: { id: number; name: string; pages: number | null }) =>
      query
        .insertInto('books')
        .values({ id, name, pages })
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ name, pages })),
  );
  const query = shelf('a');
  await put(query, { id: 1, name: 'b', pages: 3 });
  await put(query, { id: 2, name: 'c', pages: null });
  t.same(await query.selectFrom('books').selectAll().execute(), [
    { id: 1, name: 'b', pages: 3 },
    { id: 2, name: 'c', pages: null },
  ]);
});
