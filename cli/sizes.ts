/** Octets for people: `512 B`, `1.4 MB`. */
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

export function shownSize(octets: number): string {
  let size = octets;
  let unit = 0;
  for (; size >= 1000 && unit < UNITS.length - 1; unit++) size /= 1000;
  return `${size < 10 && unit > 0 ? size.toFixed(1) : Math.round(size)} ${UNITS[unit]}`;
}
