/** Readers of what Postfix, Dovecot and mail clients say to our sockets, octet by octet. */
import assert from 'node:assert/strict';
import { identifierFault } from '../../../acl/identifier.ts';
import { LONGEST_REQUEST, pack, unpack } from '../../../bridge/sender/netstring.ts';
import { answer, MAP_NAME } from '../../../bridge/sender/socketmap-answer.ts';
import { loginsIn } from '../../../bridge/sender/text-formats.ts';
import { conversation, Unreadable } from '../../../bridge/shares/conversation.ts';
import { cutLines, escaped, wordsOf } from '../../../bridge/shares/dict-lines.ts';
import { keyOf, type Share, shareIn } from '../../../bridge/shares/share-key.ts';
import type { ShareStore } from '../../../bridge/shares/share-store.ts';
import { readTicket, writtenTicket } from '../../../bridge/submission/copy-address.ts';
import { stuffing } from '../../../bridge/submission/dot-stuffing.ts';
import { mailFor, readMail, readRecipient } from '../../../bridge/submission/envelope.ts';
import { isPlain, pathTo, readPath } from '../../../bridge/submission/smtp-path.ts';
import { NotTaken } from '../../../bridge/submission/smtp-stream.ts';
import { bounded, octets, type Parser, places, wellFormed } from './parser.ts';

function checkNetstrings(text: string): void {
  const all = octets(text);
  const { requests, rest, broken } = unpack(all);
  bounded(text, requests, 20);
  if (broken === undefined) assert.ok(rest.length <= LONGEST_REQUEST + 6, `${rest.length} wait for more`);
  for (const at of places(all.length)) {
    const first = unpack(all.subarray(0, at));
    if (first.broken !== undefined) {
      assert.ok(broken, `cut at ${at}: ${first.broken}`);
      assert.deepEqual(first.requests, requests);
      continue;
    }
    const second = unpack(Buffer.concat([first.rest, all.subarray(at)]));
    assert.deepEqual([...first.requests, ...second.requests], requests, `cut at ${at}`);
    assert.equal(second.broken === undefined, broken === undefined, `cut at ${at}`);
  }
  const said = wellFormed(text).slice(0, LONGEST_REQUEST / 4);
  assert.deepEqual(unpack(Buffer.from(pack(said) + pack(''))).requests, [said, '']);
}

function checkSocketmap(text: string): void {
  const asked: string[] = [];
  const logins = (address: string) => {
    asked.push(address);
    return address === 'alice@x.test' ? ['alice@x.test', 'bob@x.test'] : [];
  };
  const said = answer(text, logins, true);
  assert.match(said, /^(?:OK [^\r\n]+|NOTFOUND |TEMP .+|PERM .+)$/s);
  assert.ok(asked.length <= 3);
  bounded(text, said, 4);
  const [, given = ''] = /^OK (.*)$/s.exec(said) ?? [];
  // Who isn't in the table gets their own address and nobody else's.
  if (given !== '' && !given.includes('alice@x.test')) {
    assert.doesNotMatch(given, /,/);
    const [local = '', domain = ''] = [given.slice(0, given.lastIndexOf('@')), given.slice(given.lastIndexOf('@') + 1)];
    const key = text.slice(MAP_NAME.length + 1).replace(/[A-Z]/g, (letter) => letter.toLowerCase());
    assert.ok(key.startsWith(local) && key.endsWith(`@${domain}`), `${text} belongs to ${given}`);
  }
  assert.equal(
    answer(
      text,
      () => {
        throw new Error('no table');
      },
      false,
    )
      .slice(0, 4)
      .trim(),
    said.startsWith('PERM') ? 'PERM' : text.includes('@') ? 'TEMP' : 'NOTF',
  );
}

/** As RFC 5321 section 4.5.2 has the receiver do it. */
const unstuffed = (text: string) => text.replace(/(^|\r\n)\.(?=[^\r]|\r(?!\n)|$|\r\n)/g, '$1');

function checkDots(text: string): void {
  const through = (...parts: readonly Buffer[]): string | NotTaken => {
    const { stuff } = stuffing();
    try {
      return Buffer.concat(parts.filter(({ length }) => length > 0).map(stuff)).toString('latin1');
    } catch (error) {
      if (error instanceof NotTaken) return error;
      throw error;
    }
  };
  const all = octets(text);
  const whole = through(all);
  const bareLf = /(?<!\r)\n/.test(text);
  assert.equal(typeof whole, bareLf ? 'object' : 'string', 'a bare LF is refused, and nothing else');
  if (typeof whole === 'string') {
    assert.doesNotMatch(whole, /(?:^|\r\n)\.(?!\.)/, 'no line begins with one dot alone');
    assert.equal(unstuffed(whole), text);
  }
  for (const at of places(all.length)) {
    const two = through(all.subarray(0, at), all.subarray(at));
    assert.equal(
      typeof two === 'string' ? two : 'refused',
      typeof whole === 'string' ? whole : 'refused',
      `cut at ${at}`,
    );
  }
}

function checkDict(text: string): void {
  const all = octets(text);
  const { lines, rest, tooLong } = cutLines(all);
  if (!tooLong) assert.equal([...lines, rest].map((line) => line.toString('latin1')).join('\n'), text);
  for (const line of lines) {
    const words = wordsOf(line.toString('utf8'));
    bounded(line.toString('latin1'), words, 7);
    assert.deepEqual(wordsOf(words.map(escaped).join('\t')), words);
  }
  const share = shareIn(text);
  if (share !== undefined) assert.deepEqual(shareIn(keyOf(share)), share);
  speak(lines.map((line) => line.toString('utf8')));
  speak(['H3\t0\t0\t\tmandat', ...lines.map((line) => line.toString('utf8'))]);
}

/** One connection's lines, to a store in memory. */
function speak(lines: readonly string[]): void {
  const there = new Map<string, Share>();
  const after = (most: number, wanted: (share: Share) => boolean) => [...there.values()].filter(wanted).slice(0, most);
  const store: ShareStore = {
    by: (owner, last, most) => after(most, ({ to, from }) => from === owner && to > last),
    with: (recipient, last, most) => after(most, ({ to, from }) => to === recipient && from > last),
    has: (share) => there.has(keyOf(share)),
    commit: (changes) => {
      for (const { share, there: stays } of changes) {
        if (stays) there.set(keyOf(share), share);
        else there.delete(keyOf(share));
      }
    },
    settle: () => {},
    close: () => {},
    count: () => there.size,
  };
  const { answer: reply } = conversation(store, (error) => assert.fail(String(error)));
  try {
    for (const line of lines) {
      for (const said of reply(line)) assert.match(said, /\n$/);
    }
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
  }
}

function checkPath(text: string): void {
  const read = readPath(text);
  bounded(text, read ?? null, 8);
  // One last dot is off at a time; a name with more of them is nobody's.
  if (read !== undefined && isPlain(text) && !read.endsWith('.'))
    assert.equal(readPath(pathTo(read)), read, `${text} is ${read}, and is said as ${pathTo(read)}`);
  const mail = readMail(`MAIL FROM:${text}`);
  // Nobody may use another sender than one that the table can hold.
  const known =
    mail !== undefined &&
    (mail.address === '' ||
      (/^[^@]+@[^@]+[^.@]$/.test(mail.address) && identifierFault(mail.address.toLowerCase()) === undefined));
  if (known) {
    const goesOn = mailFor(mail, 'bob@x.test');
    const again = readMail(goesOn);
    assert.ok(again, `${goesOn} is read again`);
    const judged = mail.address === '' || mail.address.includes('@') ? mail.address : `${mail.address}@x.test`;
    assert.equal(again.address, judged, 'what goes on is what was judged');
  }
  bounded(text, readRecipient(`RCPT TO:${text}`), 20);
}

function checkTicket(text: string): void {
  const ticket = readTicket(text);
  if (ticket === undefined) return;
  assert.deepEqual(readTicket(writtenTicket(ticket)), ticket);
  assert.ok(!Number.isNaN(ticket.sentAt.getTime()));
}

export const LINE_PARSERS: readonly Parser[] = [
  {
    name: 'netstring',
    octets: true,
    files: ['sender/netstring'],
    samples: ['5:hello,', `${pack('sender alice@x.test')}0:,`, '4096:x'],
    pieces: ['0', '1', '5:hello,', ':', ',', '00', '4097:', '9', 'a', '-', ' ', '\u00e9', '\n', '1:a,'],
    check: checkNetstrings,
    read: (text) => unpack(octets(text)),
  },
  {
    name: 'socketmap request',
    files: ['sender/socketmap-answer'],
    samples: ['sender alice@x.test', 'sender bob+ext@x.test', 'sender "b,c"@x.test', 'other x'],
    pieces: [
      'sender ',
      'alice@x.test',
      '@',
      '+',
      ',',
      ' ',
      '"',
      '<',
      'A',
      'K',
      '\u212a',
      'x.test',
      '\n',
      '\u0000',
      'é',
      '\ufffd',
    ],
    check: checkSocketmap,
    within: [
      ['sender ', ''],
      ['sender ', '@x.test'],
    ],
  },
  {
    name: 'dots',
    octets: true,
    files: ['submission/dot-stuffing'],
    samples: ['a\r\n.b\r\n..\r\n.\r\n', '.\r\n', 'a'],
    pieces: ['.', '\r\n', '\r', '\n', '\r\n.', 'a', '..'],
    check: checkDots,
    read: (text) => {
      try {
        return stuffing().stuff(octets(text));
      } catch {
        return undefined;
      }
    },
  },
  {
    name: 'dict lines',
    octets: true,
    files: ['shares/dict-lines', 'shares/dict-request', 'shares/conversation', 'shares/share-key'],
    samples: [
      'H3\t2\t0\t\tmandat\nB1\tbob\nS1\tshared/shared-boxes/user/bob@x.test/alice@x.test\t1\nC1\n',
      'I1\t0\tshared/shared-boxes/\talice@x.test\nLshared/shared-boxes/user/b/a\tu\n',
      'B1\tu\nU1\tshared/shared-boxes/anyone/a\nD1\nR1\n',
    ],
    pieces: [
      '\t',
      '\n',
      '\u0001',
      '\u00010',
      '\u0001t',
      '0',
      '1',
      '-',
      'B',
      'S',
      'U',
      'C',
      'D',
      'R',
      'H',
      'I',
      'L',
      'A',
      'T',
      'V',
      'user/',
      '/',
      'shared/shared-boxes/',
      'B1\tu\n',
      'C1\n',
      '\u00ff',
      '\r',
      '\u0000',
    ],
    check: checkDict,
    read: (text) => cutLines(octets(text)).lines.map((line) => wordsOf(line.toString('utf8'))),
  },
  {
    name: 'smtp path',
    octets: true,
    files: ['submission/smtp-path', 'submission/envelope'],
    samples: [
      '<bob@x.test>',
      '<>',
      '<"b\\"o"@x.test> SIZE=1 SMTPUTF8',
      '<@a,@b:bob@x.test>',
      'g:bob@x.test;',
      'bob (x) @x.test',
      '<b@[127.0.0.1]> AUTH=<>',
    ],
    pieces: [
      '<',
      '>',
      '"',
      '\\',
      '(',
      ')',
      ',',
      ':',
      ';',
      '@',
      '.',
      ' ',
      '\t',
      '[',
      ']',
      'a',
      'x.test',
      '\u00c3\u00a9',
      '\u00e9',
      'AUTH=<>',
      'SIZE=1',
      '\u0000',
      '@a:',
    ],
    check: checkPath,
    within: [
      ['<', '>'],
      ['', ''],
      ['<"', '"@x.test>'],
      ['<a@b> ', ''],
    ],
  },
  {
    name: 'copy address',
    files: ['submission/copy-address'],
    samples: ['17.mf3k2j1a.00112233445566ff.00112233445566778899aabb', '1.0.0000000000000000.000000000000000000000000'],
    pieces: ['.', '0', 'a', 'F', '-', '+', '1.', 'é'],
    check: checkTicket,
  },
  {
    name: 'table of credentials',
    files: ['sender/text-formats'],
    samples: ['alice: x\nbob y\n# c\n'],
    pieces: ['\n', ' ', ':', '#', 'a', '\t', '\r', 'É'],
    check: (text) => {
      for (const login of loginsIn(text)) assert.match(login, /^[^\s:#]+$/);
    },
  },
];
