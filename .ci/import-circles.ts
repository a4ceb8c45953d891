// Circles of imports: files that can't be read one before the other. A type's import counts like any other.

import path from 'node:path';
import { importsOf } from './import-scan.ts';

/** The files of each circle, in the order in which they import one another; a file stands in one circle at most. */
export function circles(sources: ReadonlyMap<string, string>): string[][] {
  const imported = new Map([...sources].map(([file, source]) => [file, ownImports(file, source, sources)]));
  const done = new Set<string>();
  const found: string[][] = [];
  const walk = (file: string, way: readonly string[]) => {
    const begins = way.indexOf(file);
    if (begins >= 0) {
      const circle = way.slice(begins);
      if (!circle.some((one) => found.flat().includes(one))) found.push(circle);
      return;
    }
    if (done.has(file)) return;
    for (const next of imported.get(file) ?? []) walk(next, [...way, file]);
    done.add(file);
  };
  for (const file of [...sources.keys()].sort()) walk(file, []);
  return found;
}

function ownImports(file: string, source: string, sources: ReadonlyMap<string, string>): string[] {
  return importsOf(source)
    .flatMap(({ specifier }) =>
      specifier?.startsWith('.') ? [path.posix.join(path.posix.dirname(file), specifier)] : [],
    )
    .filter((target) => sources.has(target));
}
