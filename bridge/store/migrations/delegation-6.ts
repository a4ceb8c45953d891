/** delegation.db, version 6: what has changed since, and what comes due next, is found without reading all there is. */
export const delegation6 = `
CREATE INDEX pending_version ON pending (version, mailbox_id);
CREATE INDEX delegations_starts ON delegations (starts_at) WHERE starts_at IS NOT NULL;
CREATE INDEX delegations_ends ON delegations (ends_at) WHERE ends_at IS NOT NULL;
CREATE INDEX delegates_credential ON delegates (credential_valid_until) WHERE credential_valid_until IS NOT NULL;
`;
