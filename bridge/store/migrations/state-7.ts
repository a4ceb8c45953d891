/** state.db, version 7: the highest version of the table that was seen is found without reading every mailbox's outcome. */
export const state7 = `
CREATE INDEX outcomes_in_force ON outcomes (in_force_version);
CREATE INDEX outcomes_failed ON outcomes (failed_version);
`;
