/**
 * The published sender rules in a site's PostgreSQL: a schema of its own, so that the role that Postfix asks with reaches the one view there and
 * nothing else. The rules of all servers stand together, since the key is the address.
 */
import { SENDER_SCHEMA } from './schema-names.ts';

const WORDS = 'text COLLATE "C" NOT NULL';

/** `published`: of which sender map the rules of a server are a copy (bridge/store/published/copied-map.ts). */
export const senderRules1 = `
CREATE SCHEMA ${SENDER_SCHEMA};
CREATE TABLE ${SENDER_SCHEMA}.rules (address ${WORDS}, login ${WORDS}, mailbox_id bigint NOT NULL, server ${WORDS}, PRIMARY KEY (address, login));
CREATE INDEX rules_mailbox ON ${SENDER_SCHEMA}.rules (mailbox_id);
CREATE INDEX rules_server ON ${SENDER_SCHEMA}.rules (server, mailbox_id);
CREATE TABLE ${SENDER_SCHEMA}.published (server ${WORDS} PRIMARY KEY, map ${WORDS});
CREATE VIEW ${SENDER_SCHEMA}.sender_login (address, login) AS SELECT address, login FROM ${SENDER_SCHEMA}.rules;
`;
