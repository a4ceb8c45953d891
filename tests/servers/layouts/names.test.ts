/** Names with all that a pattern, a quoted string or modified UTF-7 could stumble over; `&2D3eAA-` is an emoji. */
import { tell } from './story.ts';

const ODD = [
  'guillemet "double"',
  'pour%cent',
  'etoile*',
  '&2D3eAA-',
  'contre\\oblique',
  'R&AOk-sultats',
  'parenth(eses)',
];

tell({
  site: { storage: 'sdbox', inherit: false },
  folders: [...ODD.map((name) => [name]), ['etoile*', 'pour%cent', '"']],
});
