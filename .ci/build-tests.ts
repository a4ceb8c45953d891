// build-tests.ts DIRECTORY: every test with all that it imports in one file, and the program that the tests call.

import { readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { build as buildProgram } from '../tests/cli/built.ts';
import { bundleTap, bundleTests } from './bundle-tests.ts';

const root = process.cwd();
const directory = path.resolve(process.argv[2] ?? '');

const program = path.join(directory, 'program');
await mkdir(program, { recursive: true });
await buildProgram(program);
await bundleTap(root, directory);
const tests = readdirSync('tests', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.ts'));
await bundleTests(
  root,
  directory,
  tests.map((name) => path.join('tests', name)),
);
