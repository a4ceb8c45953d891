/**
 * Dovecot's own file of who shares with whom (acl_shared_dict = file:PATH), to be taken over: a line with the key and a line with the value,
 * by turns, escaped as in the dict protocol (src/lib-dict/dict-file.c).
 */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { Failure } from '../shared/failure.ts';
import { wordsOf } from './dict-lines.ts';
import { type Share, shareIn } from './share-key.ts';

/** So many are written in one go. */
const PORTION = 1000;

/** In portions, as they come from the file. Fails `config` where it is another kind of file; what isn't about shares is passed over. */
export async function* sharesInFile(name: string, stream: Readable): AsyncGenerator<readonly Share[]> {
  let portion: Share[] = [];
  let key: string | undefined;
  for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (key === undefined) {
      key = wordsOf(line)[0] ?? '';
      if (!/^(?:shared|priv)\//.test(key)) throw notOne(name);
      continue;
    }
    const share = shareIn(key);
    key = undefined;
    if (share === undefined) continue;
    portion.push(share);
    if (portion.length < PORTION) continue;
    yield portion;
    portion = [];
  }
  if (key !== undefined) throw notOne(name);
  if (portion.length > 0) yield portion;
}

const notOne = (name: string) =>
  new Failure(
    'config',
    `${name} is not a file in which Dovecot keeps who shares with whom, or ends in the middle`,
    'give the file that acl_shared_dict = file:FILE names; what had been read of it is taken over',
  );
