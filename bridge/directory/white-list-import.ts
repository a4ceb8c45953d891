/** Takes over the published white list. Whatever is wrong with it, the one before stays. R41. */
import { chmodSync, closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Instant } from '../../acl/delegation-facts.ts';
import { Failure } from '../shared/failure.ts';
import { openGiven, statGiven } from '../shared/given-file.ts';
import { explained } from '../store/files/open.ts';
import { kindOf } from './source.ts';
import { WHAT, type WhiteList, whiteListFile, whiteListIn } from './white-list.ts';
import { type ReadWhiteList, readWhiteListXml } from './white-list-xml.ts';

export interface WhiteListReport extends Omit<ReadWhiteList, 'domains'> {
  readonly source: string;
  readonly domains: number;
  readonly before: number | undefined;
}

/** The published one has less than one; a file larger than this is another. */
const LARGEST = 16 * 1024 * 1024;

export function importWhiteList(
  directory: string,
  published: string,
  { maxShrinkPercent, now }: { readonly maxShrinkPercent: number; readonly now: Instant },
): WhiteListReport {
  const { domains, bad, examples } = readWhiteListXml(textOf(published), published);
  const before = whiteListIn(directory)?.domains.length;
  if (before !== undefined && domains.length < before * (1 - maxShrinkPercent / 100)) {
    const lost = (((before - domains.length) * 100) / before).toFixed(1);
    throw new Failure(
      'refused',
      `${published} has ${domains.length} domains, ${lost} % less than the ${before} of the last import; the one before stays`,
      'is it whole? If it is, and domains really have gone: [directory] max_shrink',
      { rule: 'WHITE_LIST_SHRUNK' },
    );
  }
  const source = path.basename(published);
  swap(whiteListFile(directory), JSON.stringify({ source, imported: now, domains } satisfies WhiteList));
  return { source, domains: domains.length, bad, examples, before };
}

function textOf(file: string): string {
  let bytes: Buffer;
  try {
    const stat = statGiven(file);
    if (!stat.isFile()) throw new Failure('config', `${file} is not a file`, 'name the XML file as it was published');
    if (stat.size > LARGEST) throw new Failure('config', `${file} is too large to be the white list`);
    const kind = kindOf(file);
    if (kind !== undefined) {
      throw new Failure('config', `${file} is a ${kind} file, not XML`, 'unpack it, and name the XML file in it');
    }
    const { fd, close } = openGiven(file);
    bytes = readFileSync(fd);
    close();
  } catch (error) {
    if (error instanceof Failure) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure('config', `${file} can't be read (${code})`, 'check the name and the rights on it', {
      cause: error,
    });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new Failure('config', `${file} is not written in UTF-8`, 'import it as it was published', { cause: error });
  }
}

/** In the place of the one before, at one moment. */
export function swap(file: string, content: string | Buffer): void {
  const draft = `${file}.${process.pid}`;
  try {
    rmSync(draft, { force: true }); // of a process of the same number that was killed
    writeFileSync(draft, content, { mode: 0o640, flag: 'wx' });
    chmodSync(draft, 0o640);
    const fd = openSync(draft, 'r');
    fsyncSync(fd);
    closeSync(fd);
    renameSync(draft, file);
  } catch (error) {
    throw explained(error, file, WHAT);
  } finally {
    rmSync(draft, { force: true });
  }
}
