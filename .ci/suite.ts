// suite.ts FILE...: runs built tests, a few at a time, and writes what they say to standard output, as TAP.
//
// Through tap's own runner each process would follow the modules it loads, for coverage that nobody asks for: more than a second of
// processor time a file.

import t from 'tap';

/** A test of servers works for a third of its time and waits for the rest, so that six keep two cores busy; each may take 400 MB. */
const JOBS = 6;
/** In seconds, of a file: for what hangs. The longest takes a quarter of it, where nobody else uses the machine. */
const TIMEOUT = 600;
/** Times that a test waits as long for something as where it has the machine for itself. */
const PATIENCE = 3;

/** What plays for a time of its own has the machine for itself, when all others are done. */
const ALONE = /\/proof\/faults\.test\.js$/;

/** What takes longest comes first, or all others would have ended while one of these goes on. */
const FIRST =
  /\/(?:store\/postgres\/contract|servers\/(?:setup|uninstall|sweep|slow-answers|events-doctor)|servers\/postgres\/(?:setup|several-servers|failing|killed|revoke|take-over)|cli\/filter-child|portal\/browser\/pages-[\w-]+|trace\/full-disk)\.test\.js$/;

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
      env: { ...process.env, TAP_TIMEOUT: String(TIMEOUT), LAB_PATIENCE: String(PATIENCE) },
      // Not where it was started, which is the same line for all of them.
      at: null,
      stack: '',
    },
    file.replace(/^(?:\.\/)?\.built-\w+\//, '').replace(/\.js$/, '.ts'),
  );
}

const files = process.argv.slice(2);
const together = files.filter((file) => !ALONE.test(file));
const ordered = [...together.filter((file) => FIRST.test(file)), ...together.filter((file) => !FIRST.test(file))];
await Promise.all(ordered.map(run));
for (const file of files.filter((one) => ALONE.test(one))) await run(file);
