/** delegation.db, version 7: four refusals in plainer words, "they" for a delegate. The rules are the same: only the sentence of each trigger is another. */
import { delegation1 } from './delegation-1.ts';
import { delegation3 } from './delegation-3.ts';

/** A trigger made anew as an earlier version has it, with other words. Throws where that version hasn't got it, or not those words. */
function reworded(script: string, trigger: string, words: Readonly<Record<string, string>>): string {
  const made = new RegExp(`^CREATE TRIGGER ${trigger} .*?END;$`, 'ms').exec(script)?.[0];
  if (made === undefined) throw new Error(`no trigger ${trigger}`);
  const text = Object.entries(words).reduce((sql, [from, to]) => {
    if (!sql.includes(from)) throw new Error(`${trigger} does not say: ${from}`);
    return sql.replace(from, to);
  }, made);
  return `DROP TRIGGER ${trigger};\n${text}`;
}

const aliasOf = { 'an alias of a mailbox that is not his': 'an alias of a mailbox that is not theirs' };

export const delegation7 = [
  reworded(delegation1, 'mailboxes_update', { 'its owner: revoke him first': 'its owner: revoke their access first' }),
  reworded(delegation3, 'delegates_insert', aliasOf),
  reworded(delegation3, 'delegates_update', {
    ...aliasOf,
    'a mailbox that is delegated to him: revoke it first': 'a mailbox that is delegated to them: revoke it first',
  }),
  reworded(delegation3, 'delegates_ended', {
    'has ended: remove him, and add him anew': 'has ended: remove them, and add them anew',
  }),
].join('\n');
