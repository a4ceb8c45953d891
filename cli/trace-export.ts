/** The trace of access as a file, read and written one access after the other, however many there are. */

import { cell } from '../bridge/shared/csv-cell.ts';
import { auditEventOf } from '../bridge/trace/audit-event.ts';
import { type KeptAccess, lastTraced, type TraceFilter, traced } from '../bridge/trace/trace-reading.ts';
import { jsonOf, put } from './output.ts';

export const FORMATS = ['jsonl', 'csv', 'fhir-auditevent'] as const;
export type TraceFormat = (typeof FORMATS)[number];

interface How {
  readonly format: TraceFormat;
  /** The last so many; undefined: all. */
  readonly limit: number | undefined;
  /** The system of the site's identifiers, for FHIR; undefined where they are logins. */
  readonly identifiers: string | undefined;
}

export async function exportTrace(directory: string, filter: TraceFilter, how: How): Promise<void> {
  const { format, limit, identifiers } = how;
  const line: (access: KeptAccess) => string = {
    jsonl: (access: KeptAccess) => jsonOf(recordOf(access)),
    csv: (access: KeptAccess) => COLUMNS.map((name) => cell(rowOf(access)[name])).join(','),
    'fhir-auditevent': (access: KeptAccess) => jsonOf(auditEventOf(access, identifiers)),
  }[format];
  if (format === 'csv') await put(COLUMNS.join(','));
  const accesses = limit === undefined ? traced(directory, filter) : lastTraced(directory, filter, limit);
  for (const access of accesses) if (!(await put(line(access)))) return;
}

/** One as JSON: times in UTC. */
export function recordOf({ id, at, seal, ...access }: KeptAccess) {
  return { id, at: new Date(at).toISOString(), ...access, seal };
}

const COLUMNS = [
  ...[
    'id',
    'at',
    'login',
    'identifier',
    'relation',
    'via',
    'delegation',
    'mailbox',
    'owner',
    'folder',
    'action',
    'verb',
  ],
  ...['answer', 'said', 'messages', 'messages_by', 'messages_more', 'uidvalidity', 'to_mailbox', 'to_folder'],
  ...['to_uidvalidity', 'to_uids', 'address', 'session', 'seal'],
];

function rowOf(access: KeptAccess): Readonly<Record<string, string | number | null | undefined>> {
  const { messages, uidValidity, target, at } = access;
  const toMailbox =
    target === null ? null : typeof target.mailbox === 'string' ? `(${target.mailbox})` : target.mailbox.address;
  return {
    ...access,
    at: new Date(at).toISOString(),
    messages: messages?.set,
    messages_by: messages?.by,
    messages_more: messages === null ? null : Number(messages.more),
    uidvalidity: uidValidity,
    to_mailbox: toMailbox,
    to_folder: target?.folder,
    to_uidvalidity: target?.uidValidity,
    to_uids: target?.set,
  } as Readonly<Record<string, string | number | null | undefined>>;
}
