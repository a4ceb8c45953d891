/** The audit trail as a file: one JSON object a line, or a table for a spreadsheet. */

import { cell } from '../bridge/shared/csv-cell.ts';
import { noteEvent } from '../bridge/store/table/events.ts';
import { type SealedEntry, sealedEntries } from '../bridge/store/trail/trail-reading.ts';
import { instant } from './arguments.ts';
import { jsonOf, put } from './output.ts';
import type { Session } from './session.ts';

export interface ExportOptions {
  readonly format: 'jsonl' | 'csv';
  readonly since?: string;
  readonly until?: string;
}

const COLUMNS = [
  'id',
  'at',
  'actor',
  'on_behalf',
  'via',
  'action',
  'mailbox',
  'delegate',
  'reason',
  'detail',
  'seal',
  'claimed',
] as const satisfies readonly (keyof SealedEntry)[];

/** As it is read, line by line, however long it is. */
export async function exportTrail(session: Session, { format, since, until }: ExportOptions): Promise<void> {
  const { timezone } = session.config.policy;
  const span = {
    since: since === undefined ? undefined : instant(since, 'start', timezone, '--since'),
    until: until === undefined ? undefined : instant(until, 'end', timezone, '--until'),
  };
  let entries = 0;
  await session.state(async (state) => {
    if (format === 'csv') await put(COLUMNS.join(','));
    for await (const entry of sealedEntries(state, span)) {
      if (!(await put(format === 'csv' ? COLUMNS.map((name) => cell(entry[name])).join(',') : line(entry)))) break;
      entries++;
    }
  });
  const detail = { format, since: span.since ?? null, until: span.until ?? null, entries };
  await session.table((table) => noteEvent(table, session.writer, { action: 'audit-export', detail }));
}

function line(entry: SealedEntry): string {
  return jsonOf(Object.fromEntries(COLUMNS.map((name) => [name, entry[name]])));
}
