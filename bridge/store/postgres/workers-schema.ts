import { SENDER_SCHEMA } from './schema-names.ts';

const WORD = 'text COLLATE "C"';
const WORDS = `${WORD} NOT NULL`;
const NUMBER = 'bigint NOT NULL';

/**
 * Who works on each server's mailboxes, and who stands by (worker-row.ts). A token that changes is a key that changes, which waits for those who have
 * it in a transaction; a lease that is made longer waits for nobody. Whatever a worker writes here is refused once its token is gone: its connections
 * carry it as mandat.worker. A table that comes later is fenced in its own migration: SELECT fence('mandat_private.its_name').
 */
export const workers1 = `
CREATE TABLE workers (
  server ${WORD} PRIMARY KEY, fence ${NUMBER}, token ${WORDS} UNIQUE, kind ${WORDS} CHECK (kind IN ('sidecar', 'sync')), host ${WORDS}, pid ${NUMBER},
  place ${WORDS}, since ${WORDS}, until timestamptz NOT NULL, released ${NUMBER} DEFAULT 0) WITH (fillfactor = 20);
CREATE TABLE standing_by (
  server ${WORD}, place ${WORD}, pid ${NUMBER}, host ${WORDS}, since ${WORDS}, until timestamptz NOT NULL, PRIMARY KEY (server, place, pid))
  WITH (fillfactor = 20);
CREATE FUNCTION still_working() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE mine text COLLATE "C" := NULLIF(current_setting('mandat.worker', true), '');
BEGIN
  IF mine IS NOT NULL THEN
    PERFORM 1 FROM mandat_private.workers WHERE token = mine FOR KEY SHARE;
    IF NOT FOUND THEN RAISE EXCEPTION 'MANDAT_SUPERSEDED' USING ERRCODE = 'MD001'; END IF;
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION fence(fenced regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE TRIGGER a_still_working BEFORE INSERT OR UPDATE OR DELETE ON %s
    FOR EACH STATEMENT EXECUTE FUNCTION mandat_private.still_working()', fenced);
END $$;
SELECT fence(format('%I.%I', schemaname, tablename)::regclass) FROM pg_tables WHERE schemaname = '${SENDER_SCHEMA}'
  OR schemaname = 'mandat_private' AND tablename NOT IN ('schema_version', 'submission_epoch', 'workers', 'standing_by');
`;
