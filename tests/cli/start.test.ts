/** Every command loads what cli/main.ts imports at once: libraries that take their time to load come with the commands that need them. */
import path from 'node:path';
import { build } from 'esbuild';
import t from 'tap';

const ROOT = path.resolve(import.meta.dirname, '../..');
const LATE = ['imapflow', 'nodemailer', 'mailparser', 'smtp-server', 'diff', '@inquirer/confirm', '@inquirer/input'];

t.test('none of them at the start', async (t) => {
  const { metafile } = await build({
    entryPoints: [path.join(ROOT, 'cli/main.ts')],
    absWorkingDir: ROOT,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    outdir: 'nowhere',
    write: false,
    metafile: true,
    logLevel: 'error',
  });
  const atOnce = new Set<string>(['cli/main.ts']);
  const loaded = new Set<string>();
  for (const file of atOnce)
    for (const { path: imported, kind, external } of metafile.inputs[file]?.imports ?? []) {
      if (kind === 'dynamic-import') continue;
      if (external) loaded.add(imported);
      else atOnce.add(imported);
    }
  t.ok(atOnce.size > 10, `${atOnce.size} files of ours`); // that the walk is made: each command is loaded when it is called
  t.ok(loaded.has('commander'));
  t.same(
    LATE.filter((name) => loaded.has(name)),
    [],
  );
});
