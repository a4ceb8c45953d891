// The pages that are made from the code, each with what makes it.

import { openApi } from '../../bridge/portal/api/openapi.ts';
import { version } from '../../bridge/shared/version.ts';
import { definitions } from '../../cli/definitions.ts';
import { manPage } from '../../cli/man.ts';
import { buildProgram } from '../../cli/program.ts';
import { renderExample } from '../../config/example.ts';
import { codesPage } from './codes.ts';
import { commandsPage } from './commands.ts';
import { configurationPage } from './configuration.ts';
import { filesPage } from './files.ts';

export interface Page {
  /** From the project's root. */
  readonly file: string;
  readonly make: () => string;
}

const program = await buildProgram();

export const PAGES: readonly Page[] = [
  { file: 'config/mandat.toml', make: renderExample },
  { file: 'docs/mandat.1', make: () => manual() },
  { file: 'docs/reference/commands.md', make: commandsPage },
  { file: 'docs/reference/configuration.md', make: configurationPage },
  { file: 'docs/reference/codes.md', make: codesPage },
  { file: 'docs/reference/files-and-modes.md', make: filesPage },
  { file: 'docs/reference/portal-api.json', make: () => `${JSON.stringify(openApi(), null, 2)}\n` },
];

function manual(): string {
  return manPage(definitions(program), version().number);
}
