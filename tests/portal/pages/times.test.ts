/** Days and instants as the pages take and show them: in the site's zone, where the clock changes too. */
import t from 'tap';
import { dayEdge, timeText } from '../../../bridge/portal/pages/times.ts';

t.test('a day begins and ends where the site is', async (t) => {
  const rows = [
    ['Europe/Paris', '2027-03-28', '2027-03-27T23:00:00.000Z', '2027-03-28T21:59:59.999Z', 'a day of 23 hours'],
    ['Europe/Paris', '2027-10-31', '2027-10-30T22:00:00.000Z', '2027-10-31T22:59:59.999Z', 'of 25'],
    ['Africa/Cairo', '2027-04-30', '2027-04-29T22:00:00.000Z', '2027-04-30T20:59:59.999Z', 'that begins at one'],
    ['Asia/Tokyo', '2027-01-01', '2026-12-31T15:00:00.000Z', '2027-01-01T14:59:59.999Z', 'the year before, in UTC'],
    ['America/Miquelon', '9999-12-31', '9999-12-31T03:00:00.000Z', undefined, 'later than a year of four digits'],
    ['Europe/Paris', '2027-02-29', undefined, undefined, 'no such day'],
    ['Europe/Paris', '27-02-28', undefined, undefined, 'no such form'],
    ['Europe/Paris', '', undefined, undefined, 'nothing'],
  ] as const;
  for (const [zone, day, start, end, why] of rows)
    t.strictSame([dayEdge(day, 'start', zone), dayEdge(day, 'end', zone)], [start, end], `${zone} ${day}: ${why}`);
});

t.test('an instant is told in the site’s zone and the reader’s language', async (t) => {
  const instant = '2027-03-28T01:30:00.000Z';
  t.equal(timeText(instant, 'Europe/Paris', 'fr'), '28 mars 2027, 03:30');
  t.equal(timeText(instant, 'America/Miquelon', 'en'), '27 Mar 2027, 23:30');
  t.equal(timeText('nonsense', 'Europe/Paris', 'fr'), 'nonsense');
});
