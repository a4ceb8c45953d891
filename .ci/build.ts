// npm run build: dist/, which is all of the program but its native module and config/.

import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundle } from './bundle.ts';
import { licences } from './licences.ts';

const root = path.resolve(import.meta.dirname, '..');
const directory = path.join(root, 'dist');
rmSync(directory, { recursive: true, force: true });
mkdirSync(path.join(directory, 'cli'), { recursive: true });
writeFileSync(path.join(directory, 'package.json'), '{ "type": "commonjs" }\n');
const made = await bundle({ root, directory });
writeFileSync(path.join(directory, 'licences.txt'), licences(root, made));
const { NODE_OPTIONS: _, ...env } = process.env;
execFileSync(process.execPath, [path.join(directory, 'cli/precompile.js')], { env, stdio: 'inherit' });
