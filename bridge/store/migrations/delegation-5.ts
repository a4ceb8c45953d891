/** delegation.db, version 5: the events of one mailbox are found without reading the others, as long as they aren't sealed. R3. */
export const delegation5 = `
CREATE INDEX events_mailbox ON events (mailbox, at);
`;
