/**
 * Starts what `npm run build` has made: files of plain JavaScript (.ci/bundle.ts), with what V8 has made of them already where precompile.ts
 * has kept it. Read only, from the directory of the program itself: whoever could change it there could change the program. V8 takes nothing
 * that another version made, and then all is as without. Nothing of this is loaded in a checkout.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { Script } from 'node:vm';

/** Beside the program's files; of one Node. */
export const codePlace = (directory: string) =>
  path.join(directory, 'code', `${process.version}-${process.arch}-${process.platform}`);

export interface Loader {
  /** What the file of this name exports. */
  load(name: string): Record<string, unknown>;
  /** All that were loaded, by name. */
  readonly scripts: ReadonlyMap<string, Script>;
}

/** `directory`: the one that holds main.js. */
export function loaderOf(directory: string): Loader {
  const theirs = createRequire(path.join(directory, 'main.js')); // Node's own modules, and the one for SQLite
  const kept = codePlace(directory);
  const scripts = new Map<string, Script>();
  const modules = new Map<string, { exports: Record<string, unknown> }>();
  function load(name: string): Record<string, unknown> {
    const known = modules.get(name);
    if (known !== undefined) return known.exports;
    const made = { exports: {} };
    modules.set(name, made);
    const filename = path.join(directory, name);
    const source = `(function(exports,require,module,__filename,__dirname){${readFileSync(filename, 'utf8')}\n})`;
    const script = new Script(source, { filename, cachedData: code(path.join(kept, name)) });
    scripts.set(name, script);
    const wanted = (what: string) => (what.startsWith('./') ? load(what.slice(2)) : theirs(what));
    script.runInThisContext()(made.exports, wanted, made, filename, directory);
    return made.exports;
  }
  return { load, scripts };
}

function code(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined; // never made, or not for this Node
  }
}
