// build.ts DIRECTORY: the program in one file, once for a whole run of the tests.
import { build } from './built.ts';

await build(process.argv[2] ?? '');
