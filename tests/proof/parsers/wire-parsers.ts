/** Readers behind a connection: what an IMAP server, doveadm and Postfix answer, octet by octet, through the very clients that mandat has. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import net from 'node:net';
import { offerOf } from '../../../acl/tied-rights.ts';
import { atom, text as quoted } from '../../../bridge/imap/arguments.ts';
import { type Connection, connect } from '../../../bridge/imap/connection.ts';
import { entriesOf, foldersOf } from '../../../bridge/imap/replies.ts';
import { askAll } from '../../../bridge/sessions/doveadm-api.ts';
import { sessionsIn, stillOpen } from '../../../bridge/sessions/who.ts';
import { NotTaken, openWire } from '../../../bridge/submission/smtp-stream.ts';
import { bounded, octets, type Parser, refusal } from './parser.ts';

/** Says what it is told to, then hangs up, so that nobody waits for what doesn't come. */
interface Speaker {
  readonly port: number;
  say: string;
}

const closers: (() => Promise<void>)[] = [];

/** The servers were started when they were first wanted. */
export async function closeWires(): Promise<void> {
  await Promise.all(closers.splice(0).map((close) => close()));
}

async function listening(server: net.Server, sockets: ReadonlySet<net.Socket>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  return (server.address() as net.AddressInfo).port;
}

const CAPABILITIES = 'IMAP4rev1 ACL NAMESPACE LIST-EXTENDED SASL-IR AUTH=PLAIN LITERAL+';
const ASKED = new Set(['LIST', 'GETACL', 'LISTRIGHTS', 'NAMESPACE']);

let imap: Promise<Speaker> | undefined;
async function startImap(): Promise<Speaker> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    socket.write(`* OK [CAPABILITY ${CAPABILITIES}] ready\r\n`);
    let rest = '';
    socket.setEncoding('latin1').on('data', (data: string) => {
      const lines = (rest + data).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [tag = '', command = ''] = line.split(' ');
        if (ASKED.has(command)) socket.end(octets(`${speaker.say}\r\n${tag} OK done\r\n`));
        else socket.write(`* CAPABILITY ${CAPABILITIES}\r\n${tag} OK done\r\n`);
      }
    });
  });
  const speaker: Speaker = { port: await listening(server, sockets), say: '' };
  return speaker;
}

async function inSession(said: string, work: (connection: Connection) => Promise<void>): Promise<void> {
  imap ??= startImap();
  const speaker = await imap;
  speaker.say = said;
  const endpoint = { host: '127.0.0.1', port: speaker.port, tls: 'none', timeoutMs: 20_000 } as const;
  const connection = await connect(endpoint, { user: 'admin', pass: 'secret' });
  try {
    await work(connection);
  } catch (error) {
    refusal(error);
  } finally {
    connection.close();
  }
}

const HOME = { personal: [{ prefix: '', delimiter: '/' }], foreign: [{ prefix: 'shared/', delimiter: '/' }] };

async function checkImap(said: string): Promise<void> {
  if (/^\* NAMESPACE/i.test(said)) {
    return inSession(said, async (connection) => {
      const { personal, others, foreign } = await connection.namespaces();
      bounded(said, [personal, others, foreign], 30);
      for (const { prefix, delimiter } of [...personal, ...foreign]) {
        assert.equal(typeof prefix, 'string');
        assert.equal(typeof delimiter, 'string');
      }
    });
  }
  const command = /^\* (ACL|LISTRIGHTS)/i.exec(said)?.[1]?.toUpperCase() ?? 'LIST';
  await inSession(said, async (connection) => {
    const name = command === 'ACL' ? 'GETACL' : command;
    const kinds = command === 'LIST' ? ['LIST', 'STATUS'] : [command];
    const reply = await connection.run(name, [quoted('INBOX'), atom('x')], ...kinds);
    bounded(said, reply, 30);
    if (command === 'ACL') bounded(said, entriesOf(reply, { isGone: () => false }), 30);
    if (!reply.ok) return;
    if (command === 'LISTRIGHTS') return void offerOf((reply.untagged[0]?.values ?? []).slice(2).map(String));
    for (const folder of foldersOf(reply.untagged, HOME, { sent: [], drafts: [], junk: [], trash: [] } as never)) {
      assert.equal(typeof folder.name, 'string');
      assert.ok(!folder.name.startsWith('shared/'), 'nobody else’s folder is one’s own');
    }
  });
}

let doveadm: Promise<Speaker & { status: number }> | undefined;
async function startDoveadm(): Promise<Speaker & { status: number }> {
  const sockets = new Set<net.Socket>();
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(speaker.status, { 'content-type': 'application/json' }).end(octets(speaker.say));
  });
  server.on('connection', (socket) => sockets.add(socket.on('close', () => sockets.delete(socket))));
  const speaker = { port: await listening(server, sockets), say: '', status: 200 };
  return speaker;
}

async function checkDoveadm(said: string): Promise<void> {
  doveadm ??= startDoveadm();
  const speaker = await doveadm;
  speaker.say = said;
  speaker.status = said.startsWith('401') ? 401 : said.startsWith('500') ? 500 : 200;
  const options = { url: `http://127.0.0.1:${speaker.port}/doveadm/v1`, apiKey: 'k', timeoutMs: 20_000 };
  try {
    const answers = await askAll(options, [
      ['who', {}],
      ['kick', {}],
    ]);
    bounded(said, answers, 10);
    for (const answer of answers ?? []) {
      if (!answer.done) {
        assert.equal(typeof answer.type, 'string');
        continue;
      }
      const open = sessionsIn(answer.rows);
      bounded(said, open, 60);
      assert.deepEqual(stillOpen(open, open), open, 'who is there is still there');
      assert.deepEqual(stillOpen(open, []), []);
    }
  } catch (error) {
    refusal(error);
  }
}

let smtp: Promise<Speaker> | undefined;
async function startSmtp(): Promise<Speaker> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    socket.end(octets(speaker.say));
  });
  const speaker: Speaker = { port: await listening(server, sockets), say: '' };
  return speaker;
}

async function checkSmtp(said: string): Promise<void> {
  smtp ??= startSmtp();
  const speaker = await smtp;
  speaker.say = said;
  const wire = openWire({ host: '127.0.0.1', port: speaker.port }, 20_000);
  try {
    for (let taken = 0; taken < 20; taken++) {
      const { code, text } = await wire.next();
      assert.ok(Number.isInteger(code) && code >= 0 && code <= 999);
      bounded(said, text, 8);
    }
  } catch (error) {
    if (!(error instanceof NotTaken)) throw error;
    assert.ok(error.code >= 400 && error.code <= 599);
  } finally {
    wire.destroy();
  }
}

const WHO = JSON.stringify([
  ['doveadmResponse', [{ username: 'bob@x.test', service: 'imap', pid: '(13759)', ip: '::1', session: 's' }], 'mandat'],
  ['doveadmResponse', [{ count: '1' }], 'mandat'],
]);
const ERROR = JSON.stringify([['error', { type: 'exitCode', exitCode: 68 }, 'mandat']]);

export const WIRE_PARSERS: readonly Parser[] = [
  {
    name: 'imap answers',
    octets: true,
    files: ['imap/connection', 'imap/replies', 'imap/folder-name', 'imap/namespaces', 'imapflow/dist'],
    samples: [
      '* LIST (\\HasNoChildren \\Subscribed) "/" INBOX\r\n* STATUS INBOX (MAILBOXID (x))\r\n* LIST (\\Sent) "/" "Envoy&AOk-s"',
      '* ACL INBOX alice@x.test lrswipkxtea "-#!$nurses" lr bob@x.test ""',
      '* LISTRIGHTS INBOX bob "" l r kx te cd',
      '* NAMESPACE (("INBOX." ".")) (("shared/" "/")) NIL',
      '* LIST () NIL {5}\r\nINB\\X',
    ],
    pieces: [
      '(',
      ')',
      '"',
      '\\',
      ' ',
      '{',
      '}',
      '{5}\r\n',
      '{0}\r\n',
      '{99999999}\r\n',
      '~{3}\r\nabc',
      '\r\n',
      '\r\n* ',
      'NIL',
      'INBOX',
      '&',
      '&AOk-',
      '[',
      ']',
      '* LIST ',
      '* ACL ',
      '* NAMESPACE ',
      '* BYE ',
      '* OK ',
      '+ ',
      '\u0000',
      '\u00ff',
      '*',
      '%',
      '\n',
      '(((',
      '* STATUS a (',
      '* 1 FETCH (',
      'A1 NO ',
    ],
    check: checkImap,
    within: [
      ['* LIST () "/" "', '"'],
      ['* LIST (', ') "/" x'],
      ['* ACL INBOX ', ''],
      ['* NAMESPACE (', ') NIL NIL'],
      ['', ''],
    ],
    cost: 20,
  },
  {
    name: 'doveadm answers',
    octets: true,
    files: ['sessions/doveadm-api', 'sessions/who'],
    samples: [WHO, ERROR, '[["doveadmResponse",[],"mandat"]]', '401', '500'],
    pieces: [
      '[',
      ']',
      '{',
      '}',
      '"',
      ',',
      ':',
      'null',
      '"doveadmResponse"',
      '"error"',
      '"exitCode":',
      '{}',
      '[[',
      '0',
      '\\u0000',
      '"__proto__"',
      '\u00ff',
      '{"pid":{"a":1}}',
    ],
    check: checkDoveadm,
    within: [
      ['', ''],
      ['[["doveadmResponse",[', '],"mandat"]]'],
    ],
    cost: 20,
  },
  {
    name: 'smtp replies',
    octets: true,
    files: ['submission/smtp-stream'],
    samples: ['220 hi\r\n250-a\r\n250 b\r\n', '421 bye\r\n', '250\r\n354 go\r\n'],
    pieces: ['2', '50', ' ', '-', '\r\n', '\n', '\r', '250 ok\r\n', '250-x\r\n', '999 ', '\u00ff', '\u0000', 'x'],
    check: checkSmtp,
    cost: 10,
  },
];
