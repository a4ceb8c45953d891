/**
 * What a key is that is left out where delegates are known by their logins: such a site has no directory, no credential register, no
 * legal text of the French health mail. Everything else has one default for all.
 */
type Table = Readonly<Record<string, unknown>>;

/** By section and key. The rest of the schema's defaults are those of `scheme = "rpps"`. */
export const withLogins = (): Readonly<Record<string, Table>> => ({
  identity: { unknown_credential: 'valid' },
  policy: { timezone: Intl.DateTimeFormat().resolvedOptions().timeZone },
  grant: { acknowledge: false },
  notices: { language: 'en' },
  portal: { identifier_claim: 'preferred_username' },
});

/** Sections without which something is off: none is added. */
const OPTIONAL = ['notices', 'portal'];

/** The document with what its scheme puts in the place of keys left out. What is no table is left to the schema's own judgement. */
export function withSchemeDefaults(document: unknown): unknown {
  if (!isTable(document) || !isTable(document.identity) || document.identity.scheme !== 'login') return document;
  const sections = Object.entries(withLogins()).flatMap(([name, defaults]) => {
    const section = document[name] ?? (OPTIONAL.includes(name) ? undefined : {});
    return isTable(section) ? [[name, { ...defaults, ...section }]] : [];
  });
  return { ...document, ...Object.fromEntries(sections) };
}

const isTable = (value: unknown): value is Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
