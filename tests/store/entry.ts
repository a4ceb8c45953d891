import type { AuditEntry } from '../../bridge/store/trail/sealing.ts';

/** An entry of the audit trail, all of its fields but the action the same. */
export const entry = (action: string): AuditEntry => ({
  at: '2026-11-23T08:00:00.000Z',
  actor: 'admin',
  reason: null,
  action,
  mailbox: 'alice@example.org',
  delegate: 'bob',
  detail: '{"a":1}',
  on_behalf: null,
  via: null,
});
