/**
 * state.db, version 15: of the ledger one mailbox's pairs are found by an index however many the server has. Where two indexes began with the server, the
 * one in the order that was asked for was taken, and the whole ledger read.
 */
export const state15 = `
DROP INDEX ledger_server;
DROP INDEX ledger_login;
CREATE INDEX ledger_server ON ledger (server, mailbox_id, login);
CREATE INDEX ledger_login ON ledger (login, server, mailbox_id);
`;
