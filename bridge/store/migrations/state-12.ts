/** state.db, version 12: a delegate's mailboxes are found without reading all there is. */
export const state12 = `
CREATE INDEX ledger_login ON ledger (login, mailbox_id);
`;
