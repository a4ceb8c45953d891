// The licences of the libraries that are bundled into the program, whole: each asks for it to go with the code.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Metafile } from 'esbuild';

const FILE = /^(licen[cs]e|copying|notice)(\.(md|txt))?$/i;

/** Fails for a library that brings none. `inputs`: paths below `root`. */
export function licences(root: string, { inputs }: Metafile): string {
  const packages = new Set<string>();
  for (const file of Object.keys(inputs)) {
    const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];
    if (found !== undefined) packages.add(found);
  }
  return [...packages]
    .sort()
    .map((one) => licenceOf(path.join(root, one)))
    .join('\n');
}

function licenceOf(place: string): string {
  const { name, version, license, author } = JSON.parse(readFileSync(path.join(place, 'package.json'), 'utf8'));
  const texts = readdirSync(place)
    .filter((file) => FILE.test(file))
    .map((file) => readFileSync(path.join(place, file), 'utf8').trim());
  // A few name it in package.json only.
  const by = typeof author === 'string' ? author : author?.name;
  if (texts.length === 0 && license === undefined) throw new Error(`${name}: no licence`);
  const text = texts.length > 0 ? texts.join('\n\n') : `${license}${by === undefined ? '' : `, ${by}`}`;
  return `== ${name} ${version} (${license ?? 'see below'})\n\n${text}\n`;
}
