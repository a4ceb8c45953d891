/**
 * What a socketmap answers, socketmap_table(5). Postfix asks for the address as it was given and for nothing else: the rest of what it
 * tries with its own tables, `user+ext@domain` as `user@domain` and then `@domain`, is left to the server. Pure.
 */

/** The one table that there is: `socketmap:unix:PATH:sender`. */
export const MAP_NAME = 'sender';

/** Postfix reads no longer ones (socketmap_max_reply_size). */
const LONGEST_REPLY = 100_000;

/**
 * `loginsOf` gives the logins of an address as it is published; it may throw, and then nobody can tell: not yes, and not no.
 * `identity`: every address belongs to the login of that name too, without its extension, as config/postfix/identity.re has it.
 */
export function answer(request: string, loginsOf: (address: string) => readonly string[], identity: boolean): string {
  const space = request.indexOf(' ');
  if (space < 0) return 'PERM a name and a key are expected';
  if (request.slice(0, space) !== MAP_NAME) return `PERM there is no such table: ask for "${MAP_NAME}"`;
  const key = lowered(request.slice(space + 1));
  const at = key.lastIndexOf('@');
  if (at < 0) return 'NOTFOUND ';
  const [user, domain] = [key.slice(0, at), key.slice(at + 1)];
  const bare = withoutExtension(user);
  let logins: readonly string[] = [];
  try {
    for (const address of new Set([key, `${bare}@${domain}`, `@${domain}`])) {
      logins = loginsOf(address);
      if (logins.length > 0) break;
    }
  } catch {
    return 'TEMP the sender rules cannot be read';
  }
  const own = identity && nameable(bare) && nameable(domain) ? [`${bare}@${domain}`] : [];
  const all = [...new Set([...logins, ...own])].join(',');
  if (all === '') return 'NOTFOUND ';
  return all.length > LONGEST_REPLY ? 'PERM too many logins for one address' : `OK ${all}`;
}

/** ASCII alone: a Kelvin sign is no k, or an address that nobody has would be somebody's. */
const lowered = (text: string) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** What stands before the first `+`, unless that is nothing. */
const withoutExtension = (user: string) => (user.indexOf('+') > 0 ? user.slice(0, user.indexOf('+')) : user);

/** As a login in a list: a quoted local part with a comma would read as two. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const nameable = (part: string) => /^[^\s,"<>@\u0000-\u001f\u007f\ufffd]+$/.test(part);
