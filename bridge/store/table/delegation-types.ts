/** The shapes of delegation.db for Kysely: base tables (plural) and views (singular). */
import type { Generated, Transaction } from 'kysely';
import type { SendMode } from '../../../acl/delegation-facts.ts';

export type MailboxKind = 'PER' | 'ORG' | 'APP' | 'CAB';
/** Of a delegate's account: pending until they have activated it, ended for good. R45 */
export type DelegateState = 'pending' | 'active' | 'suspended' | 'ended';

/** One transaction on it. */
export type Query = Transaction<DelegationDatabase>;

export interface DelegationDatabase {
  counters: { id: number; version: number };
  settings: { name: string; value: string };
  mailboxes: {
    id: Generated<number>;
    address: string;
    login: string;
    owner: string | null;
    kind: MailboxKind;
    eligible: number;
    server: string;
    owner_listed: Generated<number | null>;
  };
  aliases: { address: string; mailbox_id: number };
  delegates: {
    id: Generated<number>;
    identifier: string;
    login: string;
    first_name: string | null;
    last_name: string | null;
    profession: string | null;
    state: DelegateState;
    credential_valid_until: string | null;
    listed: Generated<number | null>;
    terms_version: Generated<string | null>;
    terms_at: Generated<string | null>;
  };
  delegate_states: { id: Generated<number>; delegate_id: number; state: DelegateState; since: string };
  domains: { domain: string; eligible: number };
  turns: { subject: 'mailbox' | 'delegate' | 'delegation'; id: number; what: string; at: string };
  delegations: {
    id: Generated<number>;
    mailbox_id: number;
    delegate_id: number;
    created_at: string;
    created_by: string;
    starts_at: string | null;
    ends_at: string | null;
    note: string | null;
    suspended: number;
    send_mode: Generated<SendMode | null>;
    acknowledged: Generated<string | null>;
  };
  pending: { mailbox_id: number; version: number; server: string };
  intents: { mailbox_id: number; delegate_id: number; at: string };
  writer: {
    id: number;
    actor: string;
    reason: string | null;
    via: string | null;
    acknowledged: string | null;
  };
  events: {
    id: Generated<number>;
    at: string;
    actor: string;
    reason: string | null;
    action: string;
    mailbox: string | null;
    delegate: string | null;
    detail: string | null;
    on_behalf: string | null;
    via: string | null;
    mac: Generated<string | null>;
  };
  domain: { domain: string; eligible: number | null };
  domain_eligibility: { mailbox_id: number; domain: string; eligible: number };
  mailbox: {
    address: string;
    login: string | null;
    owner: string | null;
    kind: MailboxKind | null;
    eligible: number | null;
    server: string | null;
  };
  alias: { address: string; mailbox: string };
  delegate: {
    id: string;
    login: string | null;
    first_name: string | null;
    last_name: string | null;
    profession: string | null;
    state: DelegateState | null;
    credential_valid_until: string | null;
  };
  delegation: {
    mailbox: string;
    delegate: string;
    created_at: string | null;
    created_by: string | null;
    starts_at: string | null;
    ends_at: string | null;
    note: string | null;
    suspended: number | null;
    send_mode: Generated<SendMode | null>;
  };
}
