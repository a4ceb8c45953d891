/** Which mandat this is: written beside the built program by the build (.ci/build.ts), read from package.json in a checkout. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

export interface Version {
  /** As in package.json: `1.2.3` (semver.org); `unknown` where nothing says it. */
  readonly number: string;
  /** The commit it was built from; null where it was built without git, or isn't built. */
  readonly commit: string | null;
  /** Files of it were changed and not committed when it was built. */
  readonly changed: boolean;
  /** It runs from what `npm run build` has made. */
  readonly built: boolean;
}

/** The file that the build leaves beside the program. */
export const BUILD_FILE = 'build.json';

let known: Version | undefined;

export function version(): Version {
  known ??= find(import.meta.dirname);
  return known;
}

/** `1.2.3 (commit 0123456789ab)`: the number first, so that a script can take the first word. */
export function versionLine({ number, commit, changed, built }: Version = version()): string {
  if (!built) return `${number} (from a checkout, not built)`;
  if (commit === null) return `${number} (built without git: the commit is not known)`;
  return `${number} (commit ${commit.slice(0, 12)}${changed ? ', and changes that were not committed' : ''})`;
}

function find(from: string): Version {
  for (let place = from; ; place = path.dirname(place)) {
    const built = read(path.join(place, BUILD_FILE));
    if (built?.version !== undefined)
      return { number: built.version, commit: built.commit ?? null, changed: built.changed === true, built: true };
    const checkout = read(path.join(place, 'package.json'));
    if (checkout?.name === 'mandat')
      return { number: checkout.version ?? 'unknown', commit: null, changed: false, built: false };
    if (place === path.dirname(place)) return { number: 'unknown', commit: null, changed: false, built: false };
  }
}

interface Said {
  readonly name?: string;
  readonly version?: string;
  readonly commit?: string | null;
  readonly changed?: boolean;
}

function read(file: string): Said | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined; // not there: another place
  }
}
