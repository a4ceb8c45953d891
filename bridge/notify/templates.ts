/**
 * The words of the notices: `config/notices/LANGUAGE/KIND-PART.txt` and `.html`, and the partials beside them; a site's own files of the
 * same name are taken instead. The first line of a .txt file is `Subject: ...`.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Mustache from 'mustache';
import { Failure } from '../shared/failure.ts';
import { unbroken } from '../shared/french-blanks.ts';
import { shipped } from '../shared/shipped-files.ts';
import type { NoticeKind, NoticePart } from '../store/state/outbox.ts';
import type { Language } from '../store/state/state-db.ts';

export type View = Readonly<Record<string, unknown>>;

export interface Rendered {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export interface Templates {
  /** Fails `config`, naming the file, where a template can't be used. */
  render(kind: NoticeKind, part: NoticePart, language: Language, view: View): Rendered;
}

const LANGUAGES: readonly Language[] = ['fr', 'en'];

/** Which parts each kind has. */
const PARTS: Readonly<Record<NoticeKind, readonly NoticePart[]>> = {
  grant: ['owner', 'delegate', 'other-delegate'],
  revoke: ['owner', 'delegate', 'other-delegate'],
  suspend: ['owner', 'delegate'],
  resume: ['owner', 'delegate'],
  ending: ['owner', 'delegate'],
  administer: ['owner'],
  code: ['account'],
  'contact-changed': ['account'],
};

/** Every notice there is words for. */
export const NOTICES = LANGUAGES.flatMap((language) =>
  (Object.keys(PARTS) as NoticeKind[]).flatMap((kind) => PARTS[kind].map((part) => ({ language, kind, part }))),
);

/** `own`: the site's directory, with `fr/` and `en/` in it. */
export function openTemplates(own: string | undefined): Templates {
  const sources = LANGUAGES.map((language) => [language, sourcesIn(language, own)] as const);
  const of = new Map(sources);
  return {
    render: (kind, part, language, view) => {
      const files = of.get(language) ?? new Map<string, Source>();
      const name = `${kind}-${part}`;
      const whole = render(files, `${name}.txt`, view);
      const [, subject = '', text = ''] = /^Subject:[ \t]*([^\n]*)\n+([\s\S]*)$/.exec(whole) ?? [];
      if (subject.trim() === '') {
        throw unusable(files.get(`${name}.txt`)?.file ?? name, 'its first line is not "Subject: ..."');
      }
      const html = render(files, `${name}.html`, { ...view, subject: subject.trim() });
      return { subject: subject.trim(), text: `${text.replace(/\n{3,}/g, '\n\n').trim()}\n`, html };
    },
  };
}

interface Source {
  readonly file: string;
  readonly text: string;
}

function sourcesIn(language: Language, own: string | undefined): ReadonlyMap<string, Source> {
  const ours = filesIn(join(shippedTemplates(), language), language);
  if (own === undefined) return ours;
  if (!existsSync(own)) throw unusable(own, 'it is not there');
  const directory = join(own, language);
  return new Map([...ours, ...(existsSync(directory) ? filesIn(directory, language) : [])]);
}

function filesIn(directory: string, language: Language): ReadonlyMap<string, Source> {
  try {
    const names = readdirSync(directory).filter((name) => /\.(txt|html)$/.test(name));
    return new Map(names.map((name) => [name, sourceAt(join(directory, name), language)]));
  } catch (error) {
    throw unusable(directory, error instanceof Error ? error.message : String(error));
  }
}

function sourceAt(file: string, language: Language): Source {
  const text = readFileSync(file, 'utf8')
    .replace(/^\ufeff/, '')
    .replaceAll('\r\n', '\n');
  return { file, text: language === 'fr' ? frenchBlanks(text) : text };
}

/** In what people read: neither in an element's attributes, nor in its style, nor in what Mustache reads. */
const frenchBlanks = (source: string): string =>
  source
    .split(/(\{\{[^}]*\}\}|<style[\s\S]*?<\/style>|<[^>]*>)/i)
    .map((part, n) => (n % 2 === 0 ? unbroken(part, 'even') : part))
    .join('');

export const shippedTemplates = (): string => shipped('notices');

function render(files: ReadonlyMap<string, Source>, name: string, view: View): string {
  const source = files.get(name);
  if (source === undefined) throw unusable(name, 'it is not there');
  const html = name.endsWith('.html');
  const partial = (named: string) => {
    const found = (html ? files.get(`${named}.html`) : undefined) ?? files.get(`${named}.txt`);
    if (found === undefined) throw unusable(source.file, `it asks for ${named}, which is not there`);
    return checked(found);
  };
  try {
    return Mustache.render(checked(source), view, partial, html ? {} : { escape: String });
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw unusable(source.file, error instanceof Error ? error.message : String(error));
  }
}

/** What a name holds must never pass as markup. */
function checked({ file, text }: Source): string {
  const unescaped = (tokens: readonly unknown[]): boolean =>
    tokens.some(
      (token) => Array.isArray(token) && (token[0] === '&' || (Array.isArray(token[4]) && unescaped(token[4]))),
    );
  if (unescaped(Mustache.parse(text))) {
    throw unusable(file, 'it has {{{...}}} or {{&...}}, and what stands in a notice is always escaped');
  }
  return text;
}

function unusable(file: string, why: string): Failure {
  return new Failure(
    'config',
    `the template ${file} can't be used: ${why}`,
    'mend it, or take it away: then the one that comes with mandat is used ("mandat notices templates DIR" writes them out)',
  );
}
