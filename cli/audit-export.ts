/** The audit trail as a file: one JSON object a line, or a table for a spreadsheet. */
import { once } from 'node:events';
import { type SealedEntry, sealedEntries } from '../bridge/store/audit-trail.ts';
import { noteEvent } from '../bridge/store/events.ts';
import { instant } from './arguments.ts';
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
  return JSON.stringify(Object.fromEntries(COLUMNS.map((name) => [name, entry[name]])));
}

/** RFC 4180; a quote before what a spreadsheet would reckon with (=, +, -, @) or that begins with a tab or a line end. */
export function cell(value: string | number | null): string {
  const text = value === null ? '' : String(value);
  const tame = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(tame) ? `"${tame.replaceAll('"', '""')}"` : tame;
}

/** False where whoever reads it has seen enough (`| head`). */
async function put(text: string): Promise<boolean> {
  if (process.stdout.destroyed) return false;
  if (process.stdout.write(`${text}\n`)) return true;
  return once(process.stdout, 'drain').then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      return false;
    },
  );
}
