import t from 'tap';
import { folderOfUse, type ListedFolder, type SiteNames, specialFolders } from '../../acl/special-folders.ts';

const folder = (path: string, flags: readonly string[] = [], delimiter = '/'): ListedFolder => ({
  path,
  delimiter,
  flags: new Set(flags),
});
const special = (folders: readonly ListedFolder[], site: SiteNames = {}) =>
  [...specialFolders(folders, site)].map(({ path }) => path).sort();

t.test('what the server flags, whatever it is called', async (t) => {
  const folders = ['\\all', '\\archive', '\\drafts', '\\flagged', '\\important', '\\junk', '\\sent', '\\trash'];
  t.same(special(folders.map((flag) => folder(`Box ${flag}`, [flag, '\\haschildren']))).length, folders.length);
  t.same(special([folder('Projets', ['\\subscribed', '\\hasnochildren', '\\marked'])]), []);
});

t.test('where nothing has the flag: as such folders are called, each language', async (t) => {
  const names = `Sent, Sent Items, Sent Messages, Envoyés, Éléments envoyés, Messages envoyés, Gesendet, Gesendete Objekte, Enviados,
    Elementos enviados, Posta inviata, Verzonden items, Drafts, Brouillons, Entwürfe, Borradores, Bozze, Concepten, Trash, Corbeille,
    Deleted Items, Éléments supprimés, Papierkorb, Gelöschte Elemente, Papelera, Cestino, Prullenbak, Verwijderde items, Junk, Spam, Junk E-mail,
    Indésirables, Courrier indésirable, Correo no deseado, Posta indesiderata, Ongewenste e-mail, Archive, Archives, Archiv, Archivio, Archief`;
  for (const name of names.split(/,\s*/)) {
    t.same(special([folder(name), folder('INBOX')]), [name], name);
    t.same(special([folder(`INBOX/${name}`), folder('INBOX')]), [`INBOX/${name}`], `${name} below INBOX`);
    t.same(special([folder(`Projets/${name}`), folder('INBOX/Projets')]), [], `${name} elsewhere is a folder like any`);
  }
  t.same(special([folder('Projets'), folder('Sentiments'), folder('Archive 2026'), folder('INBOX')]), []);
});

t.test('however it is written', async (t) => {
  for (const name of ['Envoye\u0301s', 'ENVOYÉS', 'e\u0301LE\u0301MENTS envoyés', 'sent', 'TRASH', 'SİLİNMİŞ ÖĞELER'])
    t.same(special([folder(name)]), [name], name);
  t.same(special([folder('inbox.Sent', [], '.'), folder('INBOX.Work', [], '.')]), ['inbox.Sent']);
  t.same(special([folder('Sent', [], '')]), ['Sent'], 'a server without levels');
  t.same(special([folder('Sent.2023', [], '/')]), [], 'a dot is a letter where it is not the delimiter');
});

t.test('for each use by itself: where one is flagged, names of that use say nothing', async (t) => {
  const folders = [
    folder('Gone', ['\\trash']),
    folder('Trash'),
    folder('Corbeille'),
    folder('Sent'),
    folder('Envoyés'),
  ];
  t.same(special(folders), ['Envoyés', 'Gone', 'Sent']);
  t.same(special([folder('Deep/Out', ['\\sent']), folder('Sent')]), ['Deep/Out'], 'flagged anywhere');
});

t.test('with the folders that they lie in, which a RENAME would carry them off with; but INBOX', async (t) => {
  const mail = ['Mail', 'Mail/Box', 'Mail/Box/Out', 'Mail/Boxes', 'Mailing'].map((path) =>
    folder(path, path === 'Mail/Box/Out' ? ['\\sent'] : []),
  );
  t.same(special(mail), ['Mail', 'Mail/Box', 'Mail/Box/Out']);
  t.same(special([folder('INBOX'), folder('INBOX/Sent'), folder('Sent/2023')]), ['INBOX/Sent']);
});

t.test("the site's own names, and the one that is meant", async (t) => {
  const site = { sent: ['Parti', 'INBOX.Courrier.Parti', 'Envoyés'] };
  const at = (paths: readonly string[], delimiter = '/') => paths.map((path) => folder(path, [], delimiter));
  t.same(special(at(['Parti', 'Sent', 'Projets/Parti']), site), ['Parti', 'Sent']);
  const meant = (folders: readonly ListedFolder[]) => folderOfUse(folders, 'sent', site)?.path;
  t.equal(meant(at(['Sent', 'Envoyés', 'PARTI'])), 'PARTI', "the site's order first");
  t.equal(meant(at(['Sent', 'INBOX/Envoyés'])), 'INBOX/Envoyés');
  t.equal(meant(at(['INBOX.Courrier.Parti'], '.')), 'INBOX.Courrier.Parti', 'a name with its level');
  t.equal(meant(at(['Sent Items', 'Sent'])), 'Sent', 'the commonest of the usual ones');
  t.equal(meant([...at(['Parti']), folder('X', ['\\sent'])]), 'X', 'the flag before all names');
  t.equal(meant(at(['Projets'])), undefined);
});
