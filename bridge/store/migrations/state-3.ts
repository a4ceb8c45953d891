/** state.db, version 3: what was done to one mailbox is found without reading the whole trail. */
export const state3 = `
CREATE INDEX audit_mailbox ON audit (mailbox, at);
`;
