/** The national white list of MSSanté domains: what is taken over, and what leaves the one before in its place. R41. */
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { whiteListIn } from '../../bridge/directory/white-list.ts';
import { importWhiteList } from '../../bridge/directory/white-list-import.ts';
import { failureOf } from '../../bridge/shared/failure.ts';

const NAMESPACE = 'https://listeblanche.mssante.fr/schema';
const domain = (name: string) => `<Domaine><Nom>${name}</Nom><Operateur>X</Operateur></Domaine>`;
const list = (...names: readonly string[]) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<ListeBlanche xmlns="${NAMESPACE}">${names.map(domain).join('\n')}</ListeBlanche>\n`;

function made(t: Test) {
  const directory = t.testdir({});
  const take = (content: string | Buffer) => {
    const file = path.join(t.testdirName, 'published.xml');
    writeFileSync(file, content);
    return importWhiteList(directory, file, { maxShrinkPercent: 5, now: '2026-11-25T03:00:00.000Z' });
  };
  const refused = (content: string | Buffer) => {
    try {
      take(content);
      return 'accepted';
    } catch (error) {
      const { code, message } = failureOf(error);
      return `${code}: ${message}`;
    }
  };
  return { directory, take, refused, domains: () => whiteListIn(directory)?.domains };
}

t.test('domains as they are published, each once, as punycode', async (t) => {
  const { take, domains, directory } = made(t);
  t.equal(domains(), undefined, 'before the first import');
  const report = take(
    list('CHU.example', 'chu.example', ' apicrypt.example ', 'santé.example', '<![CDATA[x.example]]>', '*', 'fr'),
  );
  t.match(report, { source: 'published.xml', domains: 4, bad: 2, before: undefined });
  t.same(
    report.examples.map(({ name }) => name),
    ['*', 'fr'],
    'no domain, and a whole country',
  );
  t.strictSame(domains(), ['apicrypt.example', 'chu.example', 'x.example', 'xn--sant-epa.example']);
  t.equal(statSync(path.join(directory, 'white-list.json')).mode & 0o777, 0o640);
});

t.test('names in other places and other namespaces are none of its', async (t) => {
  const { take, domains } = made(t);
  take(`<l:Liste xmlns:l="${NAMESPACE}" xmlns:o="urn:other"><l:Operateur><l:Nom>no.example</l:Nom></l:Operateur>
    <l:Domaine><o:Nom>neither.example</o:Nom><l:Nom>yes.example</l:Nom></l:Domaine></l:Liste>`);
  t.strictSame(domains(), ['yes.example']);
});

const many = Array.from({ length: 100 }, (_, n) => `d${n}.example`);
const ENTITIES = `<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><l xmlns="${NAMESPACE}">${domain('&b;.example')}</l>`;
const BAD: readonly (readonly [content: string | Buffer, says: RegExp, why: string])[] = [
  ['', /not well-formed/, 'nothing'],
  ['mssante.fr\nchu.example\n', /not well-formed/, 'a list of another kind'],
  ['<html><body><p>503</p></body></html>', /lists no domain/, 'a page instead'],
  [list(), /lists no domain/, 'empty'],
  [list('*', 'x y'), /none of its 2 names is a domain/, 'no domain in it'],
  [list(...many).replace(NAMESPACE, 'urn:other'), /lists no domain/, 'another namespace'],
  [list(...many).slice(0, -40), /not well-formed/, 'cut'],
  [ENTITIES, /declares a document type/, 'entities that grow'],
  [
    `<!DOCTYPE l SYSTEM "file:///etc/passwd"><l xmlns="${NAMESPACE}">${domain('a.example')}</l>`,
    /document type/,
    'a file elsewhere',
  ],
  [list('&unknown;.example'), /not well-formed/, 'an entity that nobody declared'],
  [Buffer.from(list('sant\u00e9.example'), 'latin1'), /not written in UTF-8/, 'another encoding'],
  [list('a.example').replace('UTF-8', 'ISO-8859-1'), /not in UTF-8/, 'one that says so'],
  [list(...many.slice(0, 94)), /94 domains, 6\.0 % less than the 100/, 'shrunk'],
];

t.test('what is refused leaves the one before', async (t) => {
  const { take, refused, domains, directory } = made(t);
  take(list(...many));
  for (const [content, says, why] of BAD) {
    t.match(refused(content), says, why);
    t.equal(domains()?.length, 100);
  }
  t.equal(take(list(...many.slice(0, 95))).before, 100, 'five in a hundred may go');
  t.same(readdirSync(directory).sort(), ['published.xml', 'white-list.json'], 'no drafts stay');
  writeFileSync(path.join(directory, 'white-list.json'), '{"domains": ');
  t.throws(() => whiteListIn(directory), { message: /is damaged/ });
});
