/** state.db, version 6: what `status` and `audit --since` print is found without reading all there is. */
export const state6 = `
CREATE INDEX audit_at ON audit (at);
CREATE INDEX outcomes_failing ON outcomes (address) WHERE code IS NOT NULL;
CREATE INDEX outcomes_noticed ON outcomes (address) WHERE notices <> '[]';
`;
