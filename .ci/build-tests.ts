// build-tests.ts DIRECTORY TEST...: each of these tests with all that it imports in one file, and the program that the tests call.

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
await bundleTests(root, directory, process.argv.slice(3));
