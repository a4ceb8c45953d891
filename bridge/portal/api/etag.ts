/** Whether what somebody has seen is still so. RFC 9110 sections 8.8.3, 13.1 */
import { createHash } from 'node:crypto';
import { QuestionProblem } from './problem.ts';

export function etagOf(json: string): string {
  return `"${createHash('sha256').update(json).digest('base64url').slice(0, 27)}"`;
}

const listed = (header: string) => header.split(',').map((one) => one.trim());

/** If-None-Match: a weak comparison. */
export function isKnown(header: string | undefined, etag: string): boolean {
  return header !== undefined && listed(header).some((one) => one === '*' || one.replace(/^W\//, '') === etag);
}

/** If-Match: fails 412 where it has changed since. `etag` undefined: it isn't there. */
export function mustMatch(header: string | undefined, etag: string | undefined): void {
  if (header === undefined) return;
  if (etag !== undefined && listed(header).some((one) => one === '*' || one === etag)) return;
  throw new QuestionProblem(412, 'CHANGED_MEANWHILE', 'it is not as you have seen it any more: look again', {});
}
