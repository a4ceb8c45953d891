/** `mandat setup` at a terminal asks for PostgreSQL and the server's name there, and takes no answer that can't be right. */
import path from 'node:path';
import t from 'tap';
import { builtMandat } from '../cli/built.ts';
import { inConversation, readable } from '../cli/terminal.ts';

t.test('each question in its turn; then a configuration that is there already is left alone', async (t) => {
  const directory = t.testdir({ 'mandat.toml': 'data_dir = "/x"\n', 'database.secret': 'x\n' });
  const configFile = path.join(directory, 'mandat.toml');
  const seen = await inConversation(
    [...(await builtMandat()), '--config', configFile, 'setup'],
    [
      [/Two accounts/, 'a@lab.test b@lab.test\r'],
      [/login.*rpps/, '\r'],
      [/Where shall the databases/, '\r'],
      [/Where shall the table be/, 'postgres://mandat@127.0.0.1/mandat\r'],
      [/holds the password/, '\r'],
      [/authority of/, '/nonexistent/ca.pem\r'],
      [/there is no file/, `${'\x7f'.repeat('/nonexistent/ca.pem'.length)}none\r`],
      [/this mail server called/, 'mx1\r'],
      [/share folders with one another/, 'mx2\r'],
      [/mx1 is missing/, ' mx1\r'],
      [/Which Unix user/, '\r'],
      [/What do delegates read/, '\r'],
      [/default of every folder/, '\r'],
      [/tell mandat at once/, '\r'],
      [/send for owners/, '\r'],
      [/may that become a slash/, '\r'],
    ],
  );
  t.match(
    { status: seen.status, text: readable(seen) },
    { status: 2, text: /is there already[\s\S]*nothing was changed/ },
  );
});
