/** state.db, version 10: what stands on the servers for one delegate, and whether the guard holds anything, is found without reading all there is. */
export const state10 = `
CREATE INDEX ledger_identifier ON ledger (identifier);
CREATE INDEX outcomes_held ON outcomes (mailbox_id) WHERE instr(notices, '"held"') > 0;
`;
