// suite.ts FILE...: runs built tests, a few at a time, and writes what they say to standard output, as TAP.
//
// Through tap's own runner each process would follow the modules it loads, for coverage that nobody asks for: more than a second of
// processor time a file.

import t from 'tap';

/** Half of a test's time is waiting for servers, so on two cores four keep both busy; each may take 400 MB. */
const JOBS = 4;
/** In seconds, of a file. */
const TIMEOUT = 240;

/** What compares times has the machine for itself, when all others are done. */
const ALONE = /\/servers\/beside-load\.test\.js$/;

t.jobs = JOBS;
t.setTimeout(0);

function run(file: string): Promise<unknown> {
  const node = ['-u', 'NODE_OPTIONS', process.execPath, '--enable-source-maps', '--no-deprecation'];
  return t.spawn(
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

const files = process.argv.slice(2);
await Promise.all(files.filter((file) => !ALONE.test(file)).map(run));
for (const file of files.filter((one) => ALONE.test(one))) await run(file);
