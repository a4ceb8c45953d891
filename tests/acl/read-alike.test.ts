/**
 * The property behind the verdict: what passes is read as the same addresses by our strict reader, by mailparser and by Python's email
 * package with both its policies, and each of them is one that the login may use. Over thousands of fields, most of them nearly right.
 */
import { simpleParser } from 'mailparser';
import t from 'tap';
import { mayUse } from '../../acl/submission.ts';
import { passedOf, seed, standing } from './passed-fields.ts';
import { pythonReads } from './python-reader.ts';

const RUNS = 10_000;

t.test('what passes is read alike by all, and names nobody whom the login may not use', async (t) => {
  t.comment(`MANDAT_TEST_SEED=${seed}`);
  const passed = await passedOf(RUNS);
  for (const { came, header, addresses } of passed) {
    const strange = Object.values(addresses)
      .flat()
      .find((one) => !mayUse(standing(one)));
    if (strange !== undefined) t.fail(`${strange} passed`, { came });
    const { from } = await simpleParser(header);
    const theirs = from?.value.map(({ address }) => address) ?? [];
    if (JSON.stringify(theirs) !== JSON.stringify(addresses.from))
      t.fail('mailparser reads another From', { came, theirs });
  }
  t.ok(passed.length > RUNS / 20, `${passed.length} of ${RUNS} passed, so it says something`);

  const readings = pythonReads(passed.map(({ header }) => header));
  if (readings === undefined) {
    t.comment('NOT COMPARED WITH PYTHON: there is no python3 here');
    t.pass('no python3', { skip: 'there is no python3 here: NOT COMPARED WITH PYTHON' });
    return;
  }
  for (const [index, { came, addresses }] of passed.entries()) {
    for (const policy of ['compat32', 'default'] as const) {
      const theirs = readings[index]?.[policy];
      for (const name of Object.keys(addresses)) {
        if (policy === 'default' && name === 'author') continue;
        if (JSON.stringify(theirs?.[name]) === JSON.stringify(addresses[name])) continue;
        const left = passed[index]?.header.toString('latin1');
        t.fail(`Python's ${policy} reads another ${name}`, {
          came,
          left,
          theirs: theirs?.[name],
          ours: addresses[name],
        });
      }
    }
  }
  for (const [index, { came }] of passed.entries()) {
    const read = JSON.stringify(readings[index]?.decodedFirst);
    const strange = read.match(/[\w.'-]+@[\w-]+(?:\.[\w-]+)+/g)?.find((one) => !mayUse(standing(one)));
    if (strange !== undefined) t.fail(`${strange} is read by who decodes first`, { came, read });
  }
  t.ok(readings.length > 0, 'compared with Python');
});
