/** What an administrator sees of the service: all that `mandat status` says, in words of their language. R3 */
import Database from 'better-sqlite3';
import { dataFiles } from '../../../bridge/store/files/data-files.ts';
import { type Note, openSubmissions } from '../../../bridge/store/submissions/submission-db.ts';
import { ADMIN, type Cases } from './pages-site.ts';

const OLD = '2026-01-01T08:00:00.000Z';

/** Left there: the cases of every page see it too. */
const TROUBLES = `INSERT INTO facts (name, value) VALUES ('sweep', '${OLD}'), ('folder-look', '{"mailboxes":1,"everySeconds":2}');
  INSERT INTO outcomes (mailbox_id, address, code, message, hint, failed_version, attempts, failed_at, retry_at)
    VALUES (9001, 'cabinet@example.org', 'config', 'the password is <b>wrong</b>', 'mend it', 1, 4, '${OLD}', '${OLD}');
  INSERT INTO outcomes (mailbox_id, address, notices)
    VALUES (9002, 'accueil@example.org', '[{"code": "out-of-reach", "login": "bob", "message": "Archive is out of reach"}]');
  INSERT INTO outbox (event, kind, part, subject, mailbox, language, data, message_id, created_at, state, error)
    VALUES ('grant 9001', 'grant', 'delegate', 'bob', 'cabinet@example.org', 'fr', '{}', '<1@example.org>', '${OLD}', 'no-address', NULL),
      ('grant 9002', 'grant', 'owner', 'ann', 'cabinet@example.org', 'fr', '{}', '<2@example.org>', '${OLD}', 'failed', 'user unknown')`;

const SAID = {
  fr: [
    'Un avis n’a pu être envoyé.',
    'Dernière vérification de toutes les boîtes1 janv. 2026',
    'cabinet@example.orgLe réglage du service ou du serveur de messagerie est à corriger. the password is <b>wrong</b>',
    'accueil@example.orgun dossier est hors d’atteinte Archive is out of reach',
    'secretariat@example.org11 janv. 2026, 05:00abandonnée the mailbox is full',
    'bobdélégation ajoutéecabinet@example.org',
  ],
  en: [
    'A notice could not be sent.',
    'Last look at all mailboxes1 Jan 2026',
    'cabinet@example.orgThe set-up of the service or of the mail server is to be put right. the password is <b>wrong</b>',
    'accueil@example.orga folder is out of reach Archive is out of reach',
    'secretariat@example.org11 Jan 2026, 05:00given up the mailbox is full',
    'bobdelegation addedcabinet@example.org',
  ],
};

export const SERVICE: Cases = {
  'all that the command says': async (t, site) => {
    const files = dataFiles(site.config.dataDir);
    const state = new Database(files.state);
    state.exec(TROUBLES);
    state.close();
    const store = openSubmissions(files.submissions);
    const failure = { code: 'retry', message: 'the mailbox is full', hint: 'make room' } as const;
    const copy = { nonce: '1', mailbox: 'secretariat@example.org', sentAt: OLD };
    await store.note([{ kind: 'copy-failed', copy, at: OLD, failure, forGood: true } satisfies Note]);
    store.close();

    const page = await site.as(ADMIN);
    for (const [language, sentences] of Object.entries(SAID)) {
      await page.goto(`/admin?language=${language}`);
      const said = ((await page.textContent('main')) ?? '').replaceAll(/\s+/g, ' ');
      for (const sentence of sentences) t.match(said.replaceAll('> <', '><'), sentence);
      t.notMatch(said, language === 'fr' ? 'Nothing needs you' : 'Rien ne demande');
    }
    t.equal(await page.locator('main b').count(), 0, 'what a server has answered is text');
    await page.goto('/admin?language=fr');
  },
};
