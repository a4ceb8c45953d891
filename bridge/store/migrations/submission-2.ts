/** submission.db, version 2: what a copy that a mail client saves later is known by, and when it is looked for. */
export const submission2 = `
-- content: of what the client sent. exact: of every octet that was stored. look: what else a later look needs, as JSON.
-- looks: how often it was looked again. look_at: when next.
ALTER TABLE copies ADD COLUMN content TEXT;
ALTER TABLE copies ADD COLUMN exact TEXT;
ALTER TABLE copies ADD COLUMN look TEXT;
ALTER TABLE copies ADD COLUMN looks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE copies ADD COLUMN look_at TEXT;
CREATE INDEX copies_look ON copies (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX copies_exact ON copies (exact) WHERE exact IS NOT NULL;
`;
