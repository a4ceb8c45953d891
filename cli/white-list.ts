/** The national white list of MSSanté domains at the command line. R41. */
import { whiteListIn } from '../bridge/directory/white-list.ts';
import { counted, oneLine } from './output.ts';
import type { Session } from './session.ts';
import { shareForAll } from './shared-imports.ts';
import { shownDuration, shownTime } from './times.ts';

export async function importDomains(session: Session, file: string): Promise<undefined> {
  const { out, config, files } = session;
  const { importWhiteList } = await import('../bridge/directory/white-list-import.ts'); // other commands start without it
  const report = importWhiteList(files.privateDirectory, file, {
    maxShrinkPercent: config.directory.maxShrink,
    now: new Date().toISOString(),
  });
  await shareForAll(session, 'white list');
  const { source, domains, bad, examples, before } = report;
  const then = before === undefined ? '' : `, ${before} before`;
  out.result({ ...report, before: before ?? null }, `${source}: ${counted(domains, 'domain')} of MSSanté${then}`);
  if (bad > 0) {
    const first = examples.map(({ line, name }) => `\n        line ${line}: ${oneLine(name.slice(0, 80))}`).join('');
    out.warn(
      `mandat: ${counted(bad, 'name')} that ${bad === 1 ? 'is' : 'are'} no domain, left out:${first}${bad > examples.length ? '\n        ...' : ''}`,
    );
  }
}

export interface WhiteListStatus {
  readonly source: string;
  readonly domains: number;
  readonly imported: string;
  readonly ageMs: number;
}

/** Null before the first import. */
export function whiteListStatus({ files }: Session): WhiteListStatus | null {
  const list = whiteListIn(files.privateDirectory);
  if (list === undefined) return null;
  const { source, imported, domains } = list;
  return { source, domains: domains.length, imported, ageMs: Date.now() - Date.parse(imported) };
}

export function shownWhiteList(list: WhiteListStatus | null, timezone: string): string {
  if (list === null) return 'not imported: of MSSanté only mssante.fr is known';
  return `${counted(list.domains, 'domain')}, imported ${shownTime(list.imported, timezone)}, ${shownDuration(list.ageMs)} ago`;
}
