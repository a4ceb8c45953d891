/** Whom the directory lists, noted in the table: after an import, and before a grant to somebody of whom it was never asked. R5, R27. */
import { currentGeneration } from '../directory/generation.ts';
import { PEOPLE } from '../directory/people-tables.ts';
import { openDirectory } from '../directory/search.ts';
import { anyNeverAsked, type Noted, noteListed } from '../store/table/listed-people.ts';
import type { Acting } from './site.ts';

/** Whoever has gone from the directory is suspended by it, and comes back with it; and is named as it names them. */
export async function noteWhoIsListed(acting: Acting, reason: string): Promise<Noted> {
  if (acting.config.identity.scheme !== 'rpps') return { listed: [], renamed: [] };
  const opened = openDirectory(acting.files.privateDirectory);
  try {
    return await acting.table((db) => noteListed(db, { ...acting.writer, reason }, opened.person), {
      durable: false,
    });
  } finally {
    opened.close();
  }
}

/** For delegates and owners whom other programs have written since the last import. Many at a time: a file may name thousands. */
export async function lookUpNewcomers(
  acting: Acting,
  pairs: readonly { readonly mailbox: string; readonly delegate: string }[],
): Promise<void> {
  const { config, files } = acting;
  if (config.identity.scheme !== 'rpps' || currentGeneration(files.privateDirectory, PEOPLE) === undefined) return;
  for (let at = 0; at < pairs.length; at += FEW) {
    const some = pairs.slice(at, at + FEW);
    const about = { delegates: some.map((one) => one.delegate), mailboxes: some.map((one) => one.mailbox) };
    if (!(await acting.table((db) => anyNeverAsked(db, about)))) continue;
    await noteWhoIsListed(acting, 'directory look-up');
    return; // of everybody
  }
}

const FEW = 500;
