/** Times as they are shown: the short way to the text is that of the library, in every zone and at every instant. */
import { DateTime } from 'luxon';
import t from 'tap';
import { shownTime } from '../../cli/times.ts';

const ZONES = [
  'Europe/Paris',
  'UTC',
  'Australia/Lord_Howe',
  'America/St_Johns',
  'Asia/Kathmandu',
  'utc+5',
  'Indian/Reunion',
];

const byLibrary = (instant: string, zone: string) =>
  DateTime.fromISO(instant, { zone }).toFormat("yyyy-MM-dd'T'HH:mm:ssZZ");

t.test('as the library shows them', async (t) => {
  const [from, to] = [Date.parse('1900-01-01T00:00:00Z'), Date.parse('2100-01-01T00:00:00Z')];
  const many = Array.from({ length: 3000 }, (_, n) => new Date(from + ((to - from) * n) / 3000).toISOString());
  // Where Paris changes to summer time and back, minute by minute; and what is no instant, or not as the table has it.
  const hour = (start: string) =>
    Array.from({ length: 120 }, (_, n) => new Date(Date.parse(start) + n * 60_000).toISOString());
  const odd = ['2026-02-31T10:00:00Z', '2026-01-01T24:00:00Z', '0000-01-01T00:00:00.000Z', '2026-01-01T10:00:00.1Z'];
  const instants = [...many, ...hour('2026-03-29T00:00:00Z'), ...hour('2026-10-25T00:00:00Z'), ...odd, '2026-01-01'];
  const differ = ZONES.flatMap((zone) =>
    instants.filter((one) => shownTime(one, zone) !== byLibrary(one, zone)).map((one) => [zone, one]),
  );
  t.same(differ, []);
});
