/** A function, a trigger and a rule of the delegation table in PostgreSQL, as its scripts write them: each can be put back over what is there. */

/** Names are looked for in our schema alone, whatever whoever calls has set; `definer`: with the owner's rights, for those who may use the views only. */
export function fn(head: string, body: string, { definer = false, kind = 'VOLATILE' } = {}): string {
  const rights = definer ? ' SECURITY DEFINER' : '';
  return `CREATE OR REPLACE FUNCTION ${head} LANGUAGE plpgsql ${kind}${rights} SET search_path = mandat, pg_temp AS $rule$\n${body.trim()}\n$rule$;\n`;
}

/** `rules` and what follows, of one row; `event`: INSERT, UPDATE, DELETE, UPDATE OF column. */
export function trigger(
  when: 'BEFORE' | 'AFTER' | 'INSTEAD OF',
  event: string,
  table: string,
  body: string,
  name?: string,
): string {
  const called = name ?? `${table}_${when === 'INSTEAD OF' ? '' : `${when.toLowerCase()}_`}${event.toLowerCase()}`;
  const returned = event === 'DELETE' ? 'OLD' : 'NEW';
  const definer = when === 'INSTEAD OF';
  return `${fn(`${called}() RETURNS trigger`, `BEGIN\n${body.trim()}\nRETURN ${returned};\nEND`, { definer })}CREATE OR REPLACE TRIGGER ${called} ${when} ${event} ON ${table} FOR EACH ROW EXECUTE FUNCTION ${called}();\n`;
}

/** A refusal reads `MANDAT_CODE: a sentence`; the codes are those of delegation.db. Refused where it isn't known as well: never by mistake let in. */
export const refuse = (code: string, sentence: string, when: string): string =>
  `IF COALESCE(${when}, false) THEN RAISE EXCEPTION USING MESSAGE = '${code}: ${sentence.replaceAll("'", "''")}'; END IF;\n`;

/** A JSON object as text, in this order and without spaces. */
export const object = (members: Readonly<Record<string, string>>): string =>
  `(SELECT row_to_json(o)::text FROM (SELECT ${Object.entries(members)
    .map(([name, value]) => `${value} AS ${name}`)
    .join(', ')}) o)`;

export const note = (action: string, mailbox: string, delegate: string, detail: string): string =>
  `PERFORM note('${action}', ${mailbox}, ${delegate}, ${detail});\n`;
export const addressOf = (id: string): string => `(SELECT address FROM mailboxes WHERE id = ${id})`;
export const identifierOf = (id: string): string => `(SELECT identifier FROM delegates WHERE id = ${id})`;
export const mark = (ids: string): string => `PERFORM mark(ARRAY(${ids}));\n`;
export const markOne = (id: string): string => `PERFORM mark(ARRAY[${id}]);\n`;
