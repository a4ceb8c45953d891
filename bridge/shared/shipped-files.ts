/** What comes with the program beside its code: configuration fragments, templates. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Failure } from './failure.ts';

/** `config/NAME` of this installation: config/ lies beside bridge/ in a checkout, and beside dist/ when built. */
export function shipped(name: string): string {
  for (let place = import.meta.dirname; ; place = dirname(place)) {
    const found = join(place, 'config', name);
    if (existsSync(found)) return found;
    if (place === dirname(place))
      throw new Failure('config', `config/${name} of mandat is not there`, 'install mandat anew');
  }
}

/**
 * The text of a fragment with some of its words replaced, each wherever it stands. A word that it no longer has is a defect: a site would be
 * set up otherwise than it was asked.
 */
export function fragment(name: string, replaced: Readonly<Record<string, string>> = {}): string {
  let text = readFileSync(shipped(name), 'utf8');
  for (const [from, to] of Object.entries(replaced)) {
    if (!text.includes(from)) throw new Error(`config/${name} does not mention ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

/** The program's version, as its package.json has it; empty where that isn't there. */
export function shippedVersion(): string {
  for (let place = import.meta.dirname; ; place = dirname(place)) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8'));
      if (name === 'mandat') return String(version);
    } catch {
      // not there: further up
    }
    if (place === dirname(place)) return '';
  }
}
