/** Of `mandat status`: whether the people's own screens answer. */
import { portalFault, portalStart } from '../bridge/questions/portal-answers.ts';
import type { Config } from '../config/schema.ts';
import { oneLine } from './output.ts';

/** It is this machine's, so that it answers at once or not at all. */
const PATIENCE_MS = 2_000;

/** Null where none is configured. */
export async function portalOf({ portal }: Config) {
  if (portal === undefined) return null;
  const fault = await portalFault(portal, PATIENCE_MS);
  return {
    url: portal.url,
    listen: portal.listen,
    process: portal.process,
    answers: fault === undefined,
    fault: fault ?? null,
  };
}

export function portalLine(portal: Awaited<ReturnType<typeof portalOf>>): readonly (readonly [string, string])[] {
  if (portal === null) return [];
  const { url, listen, process, answers, fault } = portal;
  if (answers) return [['portal', `answers at ${oneLine(listen)} for ${url}`]];
  return [['portal', `does not answer at ${oneLine(listen)} (${oneLine(fault ?? '')}): ${portalStart(process)}`]];
}
