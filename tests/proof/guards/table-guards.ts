/** Each refusal of the delegation table's triggers, as they stand after the last migration, as if it were never said. */
import { readFileSync } from 'node:fs';
import { DELEGATIONS } from '../../../bridge/store/databases.ts';
import { released } from '../../../bridge/store/table/schema.ts';
import { type Guard, replacedOnce } from './guard.ts';

const FILE = 'bridge/store/databases.ts';
const LIST = `migrations: [
${DELEGATIONS.migrations.map((_, at) => `    delegation${at + 1},\n`).join('')}  ],`;

const ALIAS_STAYS = 'MANDAT_IMMUTABLE refuses each change of an alias';

/** By trigger, code and how the sentence begins: refusals that another one of the same trigger stands behind or before, so that they make no difference. */
const BEHIND: Readonly<Record<string, string>> = {
  'aliases_update MANDAT_ADDRESS: an address': ALIAS_STAYS,
  'aliases_update MANDAT_UNKNOWN_MAILBOX: no such': ALIAS_STAYS,
  'aliases_update MANDAT_DUPLICATE: this address': ALIAS_STAYS,
  'domains_update MANDAT_DOMAIN: a domain': 'MANDAT_IMMUTABLE refuses each other name of a domain',
  'mailboxes_insert MANDAT_DUPLICATE: this mailbox exists': '"this address is taken by another mailbox" refuses it too',
  'mailboxes_insert MANDAT_DUPLICATE: another mailbox has':
    '"this login is an address of another mailbox" refuses it too',
  'mailboxes_update MANDAT_DUPLICATE: another mailbox has':
    '"this login is an address of another mailbox" refuses it too',
};

interface Refusal {
  readonly trigger: string;
  readonly code: string;
  readonly sentence: string;
  /** Which of those of its trigger that are worded alike. */
  readonly place: number;
}

const RAISED = /RAISE\(ABORT, '(MANDAT_[A-Z_]+): ((?:[^']|'')*)'\)/g;

function refusals(): readonly Refusal[] {
  const database = released(DELEGATIONS.migrations);
  const triggers = database
    .prepare<[], { name: string; sql: string }>(
      "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name",
    )
    .all();
  database.close();
  return triggers.flatMap(({ name, sql }) => {
    const met = new Map<string, number>();
    return [...sql.matchAll(RAISED)].map(([raised, code = '', sentence = '']) => {
      const place = met.get(raised) ?? 0;
      met.set(raised, place + 1);
      return { trigger: name, code, sentence, place };
    });
  });
}

/** In every version of the trigger: the last one is what counts, and the rules are compared with what the migrations make. */
const silenced = ({ trigger, code, sentence, place }: Refusal) => `
    .map((script) =>
      script.replace(/^CREATE TRIGGER ${trigger}\\s[\\s\\S]*?\\bEND;$/gm, (made) => {
        let place = 0;
        return made.replaceAll(${JSON.stringify(`RAISE(ABORT, '${code}: ${sentence}')`)}, (raised) =>
          place++ === ${place} ? 'NULL' : raised,
        );
      }),
    ),`;

/** `tests`: files of tests about the table, of which those that name the refusal's code are taken; `others`: asked when none of the first notices. */
export function tableGuards(tests: readonly string[], others: readonly string[]): readonly Guard[] {
  const texts = new Map([...tests, ...others].map((file) => [file, readFileSync(file, 'utf8')]));
  const naming = (files: readonly string[], code: string) => files.filter((file) => texts.get(file)?.includes(code));
  return refusals().map((refusal): Guard => {
    const { trigger, code, sentence, place } = refusal;
    const behind = Object.entries(BEHIND).find(([key]) => `${trigger} ${code}: ${sentence}`.startsWith(key))?.[1];
    return {
      name: `${trigger}: ${code}, ${sentence.replaceAll("''", "'").slice(0, 60)}${place > 0 ? ` (${place + 1})` : ''}`,
      file: FILE,
      tests: [...naming(tests, code), ...naming(others, code)],
      without: (source) => replacedOnce(source, LIST, `${LIST.slice(0, -1)}${silenced(refusal)}`, FILE),
      ...(behind === undefined ? {} : { behind }),
    };
  });
}
