/** Asks as Dovecot does, to see that somebody answers. */
import net from 'node:net';
import { DICT_NAME } from './conversation.ts';
import { escaped } from './dict-lines.ts';
import { TREE } from './share-key.ts';

/** Dovecot itself waits half a minute. */
const PATIENCE_MS = 5000;

/** Whose mailboxes somebody is shown, by their login, as the lines of the answer have it. Rejects with why there is none. */
export function askShares(path: string, login: string): Promise<readonly string[]> {
  return new Promise((answered, failed) => {
    const socket = net.connect({ path });
    let text = '';
    const end = (why: Error) => {
      socket.destroy();
      failed(why);
    };
    socket.setTimeout(PATIENCE_MS, () => end(new Error(`no answer within ${PATIENCE_MS / 1000} s`)));
    socket.on('error', end);
    socket.once('close', () => failed(new Error('it hung up')));
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      if (/^F/m.test(text)) return end(new Error(text.trim().slice(1)));
      if (!/(?:^|\n)\n$/.test(text)) return;
      answered(text.split('\n').filter((line) => line !== ''));
      socket.destroy();
    });
    socket.write(`H3\t2\t0\t\t${DICT_NAME}\nI1\t0\t${escaped(`${TREE}user/${login}/`)}\t${escaped(login)}\n`);
  });
}
