import t from 'tap';
import { circles } from '../../.ci/import-circles.ts';
import { violations } from '../../.ci/import-rules.ts';
import { importsOf } from '../../.ci/import-scan.ts';

t.test('finds imports in every shape, and nothing else', async (t) => {
  const cases: readonly [source: string, expected: readonly (string | undefined)[], why: string][] = [
    [`import a from 'a';`, ['a'], 'default'],
    [`import 'a';`, ['a'], 'for its effects'],
    [`import * as a from "a";`, ['a'], 'namespace, double quotes'],
    [`import a, { b as c } from 'a'`, ['a'], 'both, without semicolon'],
    [`import {\n  a, // from 'x'\n  b,\n} from 'a';`, ['a'], 'over several lines, with a comment'],
    [`import { default as from } from 'a';`, ['a'], 'a name that is a keyword elsewhere'],
    [`import a from 'a' with { type: 'json' };`, ['a'], 'attributes'],
    [`export * from 'a'; export * as b from 'b';`, ['a', 'b'], 'exports of all'],
    [`export { a, b } from 'a'; export type { C } from 'c';`, ['a', 'c'], 'exports of some'],
    [`export { a };\nconst x = y.from('b');`, [], 'an export of our own, then a from that is none'],
    [`export const a = 'from';`, [], 'an export of a value'],
    [`export default 'a';`, [], 'a default export'],
    [`const a = await import('a');`, ['a'], 'dynamic'],
    [`type A = typeof import('a');`, ['a'], 'in a type'],
    [`import(\n  /* why */ 'a', { with: {} })`, ['a'], 'dynamic, over lines, with attributes'],
    ['import(`a`); import(name); import("a" + b);', [undefined, undefined, undefined], 'computed'],
    [`const r = createRequire(x); require('a');`, ['a'], 'require'],
    [`import a = require('a');`, ['a'], 'require as TypeScript has it'],
    [`x.import('a'); x.require('a'); ({ import: 1 }); import.meta.url;`, [], 'members and properties'],
    [`// import 'a'\n/* import 'b' */ const s = "import 'c'";`, [], 'comments and strings'],
    [`const s = \`import 'a' \${f('}')} import 'b' \${\`\${import('c')}\`}\`; import 'd';`, ['c', 'd'], 'templates'],
    [`const r = /import '[/"]a/; import 'b';`, ['b'], 'a regular expression with a quote and a slash in a class'],
    [`const q = a / b; import 'c'; const r = d / e;`, ['c'], 'divisions'],
    [`return /'/.test(x); import 'a';`, ['a'], 'a regular expression after return'],
    [`#!/usr/bin/env node\nimport 'a';`, ['a'], "a script's first line"],
  ];
  for (const [source, expected, why] of cases)
    t.same(
      importsOf(source).map(({ specifier }) => specifier),
      expected,
      why,
    );
});

t.test('tells types from values, and the line', async (t) => {
  const source = `import type { A } from 'a';\nimport { type B } from 'b';\nimport type from 'c';\nexport type * from 'd';`;
  t.same(
    importsOf(source).map(({ specifier, typeOnly, line }) => [specifier, typeOnly, line]),
    [
      ['a', true, 1],
      ['b', false, 2],
      ['c', false, 3],
      ['d', true, 4],
    ],
  );
});

t.test('the rules', async (t) => {
  const cases: readonly [file: string, source: string, allowed: boolean, why: string][] = [
    ['acl/plan.ts', `import { a } from './rights.ts';`, true, 'its own room'],
    ['acl/plan.ts', `import type { A } from '../config/schema.ts';`, false, 'acl knows nobody, not even by type'],
    ['acl/plan.ts', `import fs from 'node:fs';`, false, 'acl is pure'],
    ['acl/plan.ts', `import type { Kysely } from 'kysely';`, false, 'acl is pure'],
    ['acl/deep/plan.ts', `import '../../bridge/daemon.ts';`, false, 'from a folder below'],
    ['bridge/daemon.ts', `import pino from 'pino'; import '../acl/plan.ts';`, true, 'packages and acl'],
    ['bridge/imap/dovecot.ts', `import type { A } from '../../config/parse.ts';`, true, 'types of config'],
    ['bridge/imap/dovecot.ts', `import { a } from '../../config/parse.ts';`, false, 'a value of config'],
    ['bridge/daemon.ts', `import { load } from '../config/load.ts';`, true, 'the loader'],
    ['bridge/portal/app.ts', `import '../acting/site.ts'; import './context.ts';`, true, 'the portal acts for people'],
    ['bridge/acting/people.ts', `import '../store/databases.ts'; import './site.ts';`, true, 'what they may ask for'],
    ['bridge/acting/people.ts', `import type { A } from '../portal/context.ts';`, false, 'and knows no screen'],
    ['bridge/daemon.ts', `import './acting/site.ts';`, false, 'the sidecar acts for nobody'],
    ['bridge/daemon.ts', `import type { A } from './portal/context.ts';`, false, 'nor knows the portal'],
    ['cli/portal.ts', `import '../bridge/portal/app.ts'; import '../bridge/acting/site.ts';`, true, 'the commands do'],
    ['bridge/daemon.ts', `import type { Lab } from '../config/lab/lab.ts';`, false, 'the lab, even by type'],
    ['bridge/daemon.ts', `import '../cli/main.ts';`, false, 'nobody imports cli'],
    ['bridge/daemon.ts', `await import('../cli/main.ts');`, false, 'nor dynamically'],
    ['bridge/daemon.ts', `await import(\`../cli/\${x}.ts\`);`, false, 'nor by a computed name'],
    ['bridge/daemon.ts', `import '../tests/fake.ts';`, false, 'the product does not need its tests'],
    [
      'cli/add.ts',
      `import '../bridge/x.ts'; import '../acl/x.ts'; import '../config/x.ts'; import './x.ts';`,
      true,
      'cli',
    ],
    ['cli/add.ts', `import '../config/lab/lab.ts';`, false, 'the lab is for tests'],
    ['config/load.ts', `import '../acl/rights.ts';`, false, 'config knows nobody'],
    ['config/load.ts', `import './lab/lab.ts';`, false, 'not even its lab'],
    ['config/lab/lab.ts', `import '../load.ts'; import './ports.ts';`, true, 'the lab knows config'],
    ['config/lab/lab.ts', `import '../../bridge/x.ts';`, false, 'and nothing else'],
    ['acl/index.ts', '', false, 'a barrel'],
    ['bridge/store/index.mjs', '', false, 'a barrel by any extension'],
    ['tests/acl/plan.test.ts', `import '../../cli/main.ts';`, true, 'tests may import anything'],
  ];
  for (const [file, source, allowed, why] of cases)
    t.equal(violations(file, source).length === 0, allowed, `${file}: ${why}`);
});

t.test('says where', async (t) => {
  t.same(violations('acl/a.ts', `\nimport 'node:fs';`), ['acl/a.ts:2: acl is pure, it may not import node:fs']);
});

t.test('a circle is found, whichever file of it comes first, and told once', (t) => {
  const files = (list: Readonly<Record<string, string>>) => new Map(Object.entries(list));
  t.same(circles(files({ 'acl/a.ts': "import { b } from './b.ts';", 'acl/b.ts': 'export const b = 1;' })), []);
  t.same(
    circles(
      files({
        'acl/a.ts': "import { b } from './b.ts';",
        'acl/b.ts': "import type { C } from './c.ts';",
        'acl/c.ts': "import './b.ts';\nimport './a.ts';",
      }),
    ),
    [['acl/b.ts', 'acl/c.ts']],
    'types count; files of one tangle are told once',
  );
  t.same(circles(files({ 'cli/self.ts': "import './self.ts';" })), [['cli/self.ts']]);
  t.end();
});
