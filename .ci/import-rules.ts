// Who may import whom. One direction only, so that what a delegation means can be read, and tested, without a server:
//
//   cli -> bridge, acl, config      bridge -> acl; of config its types, its schema, its loader, its secrets, whom a path trusts, where a database is,
//                                  what a short name is
//   acl, config -> nothing of ours  acl -> nothing at all: no package and no node: module
//   config/lab -> config            nobody -> cli; nobody but tests -> config/lab
//
// Within the bridge: nobody -> portal, which is where people come in; nobody but portal -> acting, what they may ask for.

import path from 'node:path';
import { type Import, importsOf } from './import-scan.ts';

const ROOMS = ['acl', 'bridge', 'cli', 'config', 'config/lab'] as const;
type Room = (typeof ROOMS)[number];

const MAY_IMPORT: Readonly<Record<Room, readonly Room[]>> = {
  acl: ['acl'],
  bridge: ['bridge', 'acl', 'config'],
  cli: ['cli', 'bridge', 'acl', 'config'],
  config: ['config'],
  'config/lab': ['config/lab', 'config'],
};

/** What the bridge may load of config at run time. Of the rest it may know the types. */
const BRIDGE_LOADS = /^config\/(?:schema|load|secret|trusted|database-url|short-name)\.ts$/;

/** Rooms of the bridge that stand above its others: who of the bridge may import from them. */
const ABOVE = [
  { room: 'bridge/portal/', from: ['bridge/portal/'] },
  { room: 'bridge/acting/', from: ['bridge/portal/', 'bridge/acting/'] },
] as const;

/** One sentence for each rule that the file breaks; none when it is in order. */
export function violations(file: string, source: string): string[] {
  const room = roomOf(file);
  if (!room) return [];
  const barrel = /^index\.[cm]?[jt]sx?$/.test(path.posix.basename(file));
  const broken = barrel ? [`${file}: a barrel; import from the file that has what you need`] : [];
  for (const one of importsOf(source)) {
    const why = refusal(room, file, one);
    if (why) broken.push(`${file}:${one.line}: ${why}`);
  }
  return broken;
}

function refusal(room: Room, file: string, { specifier, typeOnly }: Import): string | undefined {
  if (specifier === undefined) return 'imports a module whose name is computed, which nobody can check';
  if (!specifier.startsWith('.')) return room === 'acl' ? `acl is pure, it may not import ${specifier}` : undefined;
  const target = path.posix.join(path.posix.dirname(file), specifier);
  const to = roomOf(target);
  if (!to) return `${room} may not import ${target}, outside the rooms`;
  if (!MAY_IMPORT[room].includes(to)) return `${room} may not import ${to} (${target})`;
  const above = ABOVE.find((one) => room === 'bridge' && target.startsWith(one.room));
  if (above !== undefined && !above.from.some((one) => file.startsWith(one)))
    return `${file} may not import ${target}: of the bridge only ${above.from.join(' and ')} may`;
  if (room === 'bridge' && to === 'config' && !typeOnly && !BRIDGE_LOADS.test(target))
    return `bridge may import only types from ${target}`;
  return undefined;
}

/** The innermost room that holds the file. */
function roomOf(file: string): Room | undefined {
  return ROOMS.filter((room) => file.startsWith(`${room}/`)).at(-1);
}
