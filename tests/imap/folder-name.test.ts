import t from 'tap';
import { folderName, writtenName } from '../../bridge/imap/folder-name.ts';
import { steep } from '../proof/parsers/linear.ts';

t.test('as servers write them', (t) => {
  const rows: readonly (readonly [string, string])[] = [
    ['Sent', 'Sent'],
    ['Envoy\u00e9s', 'Envoy&AOk-s'],
    ['\u00c9l\u00e9ments envoy\u00e9s', '&AMk-l&AOk-ments envoy&AOk-s'],
    ['a & b', 'a &- b'],
    ['\u53f0\u5317', '&U,BTFw-'], // RFC 3501 section 5.1.3
    ['\ud83d\ude00', '&2D3eAA-'],
  ];
  for (const [written, wire] of rows) {
    t.equal(folderName(written), wire);
    t.equal(writtenName(wire), written);
  }
  t.end();
});

t.test('what is no modified UTF-7 is read as it came', (t) => {
  for (const name of ['a & b', 'AT&T', 'a&b-c', '&AOk', '&Jjo!-', 'Envoy\u00e9s']) t.equal(writtenName(name), name);
  t.end();
});

t.test('a long name of nothing but shifts, as a broken server may send it, is read in no time', async (t) => {
  const parser = {
    name: 'folder name',
    files: [],
    samples: [],
    pieces: [],
    check: (name: string) => void writtenName(name),
  };
  for (const piece of ['&', '&&-', '&a', '&-']) t.equal(await steep(parser, piece, ['', ''], 4), undefined, piece);
  t.equal(writtenName('&'.repeat(100)), '&'.repeat(100));
});
