/**
 * delegation.db, version 8: an owner's mailboxes, a domain's, who was revoked by name last, and the events of one delegate or of one time are
 * found without reading all there is.
 */
export const delegation8 = `
CREATE INDEX mailboxes_owner ON mailboxes (owner) WHERE owner IS NOT NULL;
CREATE INDEX mailboxes_domain ON mailboxes (substr(address, instr(address, '@') + 1));
CREATE INDEX intents_at ON intents (at, mailbox_id, delegate_id);
CREATE INDEX events_delegate ON events (delegate, at);
CREATE INDEX events_at ON events (at);
`;
