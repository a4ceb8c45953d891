// suite.ts FILE...: runs built tests, a few at a time, and writes what they say to standard output, as TAP.
//
// Through tap's own runner each process would follow the modules it loads, for coverage that nobody asks for: more than a second of
// processor time a file.

import t from 'tap';

const JOBS = 3;
/** In seconds, of a file. */
const TIMEOUT = 240;

t.jobs = JOBS;
t.setTimeout(0);
for (const file of process.argv.slice(2)) {
  const node = ['-u', 'NODE_OPTIONS', process.execPath, '--enable-source-maps', '--no-deprecation'];
  t.spawn(
    'env',
    [...node, file],
    {
      buffered: true,
      timeout: TIMEOUT * 1000,
      env: { ...process.env, TAP_TIMEOUT: String(TIMEOUT) },
      // Not where it was started, which is the same line for all of them.
      at: null,
      stack: '',
    },
    file.replace(/^(?:\.\/)?\.built-\w+\//, '').replace(/\.js$/, '.ts'),
  );
}
