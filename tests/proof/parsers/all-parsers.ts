/** Every reader of what others write. A new one of the program's belongs here. */
import { FILE_PARSERS } from './file-parsers.ts';
import { HEADER_PARSERS } from './header-parsers.ts';
import { LINE_PARSERS } from './line-parsers.ts';
import type { Parser } from './parser.ts';
import { SERVER_PARSERS } from './server-parsers.ts';
import { TYPED_PARSERS } from './typed-parsers.ts';
import { WIRE_PARSERS } from './wire-parsers.ts';

export const PARSERS: readonly Parser[] = [
  ...HEADER_PARSERS,
  ...LINE_PARSERS,
  ...SERVER_PARSERS,
  ...FILE_PARSERS,
  ...TYPED_PARSERS,
  ...WIRE_PARSERS,
];
