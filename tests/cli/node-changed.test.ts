/** Node was changed under an installed mandat: every command names the cause and the one command that mends it. */
import path from 'node:path';
import t from 'tap';
import { failureOf } from '../../bridge/shared/failure.ts';
import { builtDirectory, NODE } from './built.ts';
import { ran } from './commands.ts';
import { desk } from './desk.ts';

/** As Node itself says it (v20.20.2, of a module that was compiled with 18); no other Node is at hand to say it. */
const COMPLAINT = `The module '/opt/mandat/node_modules/better-sqlite3/build/Release/better_sqlite3.node'
was compiled against a different Node.js version using
NODE_MODULE_VERSION 108. This version of Node.js requires
NODE_MODULE_VERSION 115. Please try re-compiling or re-installing
the module (for instance, using \`npm rebuild\` or \`npm install\`).`;
const PATCH = `process.dlopen = () => { throw Object.assign(new Error(${JSON.stringify(COMPLAINT)}), { code: 'ERR_DLOPEN_FAILED' }); };`;

t.test('every command', async (t) => {
  const { configFile } = await desk(t);
  const main = path.join(await builtDirectory(), 'cli/main.js');
  const changed = ['--import', `data:text/javascript,${encodeURIComponent(PATCH)}`, main, '--config', configFile];
  for (const command of [['list'], ['run'], ['status'], ['init'], ['mailbox', 'add', 'alice@lab.test']]) {
    t.match(
      await ran([...NODE, ...changed, ...command]),
      {
        status: 2,
        stdout: '',
        stderr:
          /^mandat: the SQLite module was not built for this Node \(v\d.*\): Node was changed[^\n]*\n +build it anew[^\n]*: cd \/[^\n]+ && npm rebuild better-sqlite3\n$/,
      },
      command.join(' '),
    );
  }
  t.match((await ran([...NODE, ...changed, '--json', 'list'])).stdout, /"code":\s*"config"/);
});

t.test("a module that isn't there at all; the words of Node's own loader", async (t) => {
  t.match(failureOf(new Error('Could not locate the bindings file. Tried:\n → /x')), {
    code: 'config',
    hint: /npm rebuild/,
  });
  try {
    process.dlopen({ exports: {} }, import.meta.filename);
  } catch (error) {
    t.match(failureOf(error), { code: 'config', hint: /npm rebuild/ });
  }
  t.match(failureOf(new TypeError('x is not a function')), { code: 'internal' });
});
