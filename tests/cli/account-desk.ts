/** A desk where accounts are activated: a directory of three people, a white list, and nobody who sends what waits in the outbox. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import type { Test } from 'tap';
import { importExtract } from '../../bridge/directory/import.ts';
import { importWhiteList } from '../../bridge/directory/white-list-import.ts';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { extractOf, type Line, PHYSICIAN, ROLE_HOLDER, SECRETARY } from '../directory/extract-maker.ts';
import { type Desk, desk } from './desk.ts';

export const CONFIG = (terms: string) => `data_dir = "data"
[identity]
unknown_credential = "valid"
[grant]
acknowledge = false
[imap]
port = 1
tls = "none"
timeout_seconds = 1
[accounts]
terms_version = "${terms}"
terms_url = "https://mail.example.org/cgu"
code_tries = 2
[notices]
`;

export const ZOE = '810101026994';
export const ALIX = '810000000017';
export const ANNE = '810000000025';
export const PEOPLE: readonly Line[] = [
  { identifier: ZOE, lastName: 'KERVELLA', firstName: 'ZOÉ', profession: ROLE_HOLDER, role: SECRETARY },
  { identifier: ALIX, lastName: 'TANGUY', firstName: 'ALIX', profession: PHYSICIAN },
  { identifier: ANNE, lastName: 'RIOU', firstName: 'ANNE', profession: PHYSICIAN },
];
export const WHITE_LIST = `<l xmlns="https://listeblanche.mssante.fr/schema"><Domaine><Nom>chu.example</Nom></Domaine><Domaine><Nom>santé.example</Nom></Domaine></l>`;

export function extract({ directory }: Desk, lines = PEOPLE): string {
  const file = path.join(directory, 'extract.txt');
  writeFileSync(file, extractOf(lines));
  return file;
}

export async function site(t: Test, config = CONFIG('1')) {
  const here = await desk(t, { config });
  const { privateDirectory: data, state: stateFile } = dataFiles(path.join(here.directory, 'data'));
  const now = new Date().toISOString();
  await importExtract(data, extract(here), { known: [], maxShrinkPercent: 5, now });
  const list = path.join(here.directory, 'list.xml');
  writeFileSync(list, WHITE_LIST);
  importWhiteList(data, list, { maxShrinkPercent: 5, now });
  const state = new Database(stateFile, { readonly: true });
  t.teardown(() => state.close());
  const code = () =>
    state
      .prepare("SELECT json_extract(data, '$.code') FROM outbox WHERE kind = 'code' ORDER BY id DESC")
      .pluck()
      .get() as string;
  const written = () =>
    JSON.stringify(['accounts', 'outbox'].map((name) => state.prepare(`SELECT * FROM ${name}`).all()));
  const why = async () => ((await here.json('list', '--delegate', ZOE)) as { why: string | null }[])[0]?.why;
  return { ...here, data, code, written, why };
}
