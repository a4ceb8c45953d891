// Which modules a source file imports, read without a compiler: a tokenizer that knows comments, strings, templates and
// regular expressions, then the few shapes that an import can have.

export interface Import {
  /** The module as written; undefined when it is computed, so that nobody can tell. */
  readonly specifier: string | undefined;
  /** `import type` or `export type`: gone at run time. `import { type X }` is not: the module is still loaded. */
  readonly typeOnly: boolean;
  readonly line: number;
}

interface Token {
  readonly kind: 'word' | 'string' | 'template' | 'mark';
  readonly text: string;
  readonly line: number;
}

export function importsOf(source: string): Import[] {
  const tokens = tokenize(source);
  const found: Import[] = [];
  tokens.forEach((token, at) => {
    if (token.kind !== 'word' || tokens[at - 1]?.text === '.') return;
    const rest = tokens.slice(at + 1);
    if (token.text === 'import') found.push(...importAfter(rest, token.line));
    if (token.text === 'export') found.push(...exportAfter(rest, token.line));
    if (token.text === 'require' && rest[0]?.text === '(') found.push(call(rest, token.line));
  });
  return found;
}

function importAfter(rest: readonly Token[], line: number): Import[] {
  const [first, second] = rest;
  if (first?.kind === 'string') return [{ specifier: first.text, typeOnly: false, line }];
  if (first?.text === '(') return [call(rest, line)];
  if (first?.kind === 'word') {
    // `import type from 'x'` imports a value named type.
    const typeOnly = first.text === 'type' && second?.text !== 'from' && second?.text !== ',';
    return from(rest, typeOnly, line);
  }
  return first?.text === '{' || first?.text === '*' ? from(rest, false, line) : []; // else import.meta, or a property's name
}

function exportAfter(rest: readonly Token[], line: number): Import[] {
  const typeOnly = rest[0]?.text === 'type';
  const clause = typeOnly ? rest.slice(1) : rest;
  return clause[0]?.text === '{' || clause[0]?.text === '*' ? from(clause, typeOnly, line) : [];
}

/** The clause ends at `from 'x'`; anything that no clause holds means that it was none, as in `export { a };`. */
function from(clause: readonly Token[], typeOnly: boolean, line: number): Import[] {
  for (const [at, token] of clause.entries()) {
    const next = clause[at + 1];
    if (token.text === 'from' && next?.kind === 'string') return [{ specifier: next.text, typeOnly, line }];
    if (token.text === '=') return []; // import a = require('x'), found by its require
    if (token.kind === 'mark' && !'{},*'.includes(token.text)) return [];
    if (token.text === '}' && next?.text !== 'from') return [];
  }
  return [];
}

/** `(` string `)`, with or without import attributes after a comma. */
function call([, name, after]: readonly Token[], line: number): Import {
  const literal = name?.kind === 'string' && (after?.text === ')' || after?.text === ',');
  return { specifier: literal ? name.text : undefined, typeOnly: false, line };
}

const SPACE = /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\//y;
const STRING = /'((?:[^'\\\n]|\\[\s\S])*)'|"((?:[^"\\\n]|\\[\s\S])*)"/y;
const WORD = /[\p{ID_Continue}$#@]+/uy;
const REGEXP = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/y;
/** After these words a slash begins a regular expression; after any other, and after `)` and `]`, it divides. */
const BEFORE_REGEXP = /^(?:return|typeof|case|in|of|do|else|void|delete|throw|new|instanceof|yield|await)$/;

function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  const braces: ('block' | 'template')[] = [];
  let at = source.startsWith('#!') ? source.indexOf('\n') : 0;
  let line = 1;
  const take = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    if (match) advance(match[0].length);
    return match;
  };
  const advance = (length: number) => {
    for (const end = at + length; at < end; at++) if (source[at] === '\n') line++;
  };
  const push = (kind: Token['kind'], text: string, started: number) => tokens.push({ kind, text, line: started });
  /** From after a backtick, or after the brace that closes a substitution, up to the next of either. */
  const template = (started: number) => {
    while (at < source.length) {
      if (source[at] === '`') return advance(1);
      if (source.startsWith('${', at)) {
        advance(2);
        braces.push('template');
        return;
      }
      advance(source[at] === '\\' ? 2 : 1);
    }
    throw new Error(`line ${started}: a template literal without end`);
  };

  while (at < source.length) {
    if (take(SPACE)) continue;
    const started = line;
    const previous = tokens.at(-1);
    const string = take(STRING);
    if (string) push('string', string[1] ?? string[2] ?? '', started);
    else if (source[at] === '`') {
      advance(1);
      push('template', '`', started);
      template(started);
    } else if (source[at] === '/' && mayBeRegexp(previous) && take(REGEXP)) push('mark', '/', started);
    else {
      const word = take(WORD);
      if (word) push('word', word[0], started);
      else {
        const mark = source[at] ?? '';
        advance(1);
        if (mark === '{') braces.push('block');
        if (mark === '}' && braces.pop() === 'template') template(started);
        else push('mark', mark, started);
      }
    }
  }
  return tokens;
}

function mayBeRegexp(previous: Token | undefined): boolean {
  if (!previous) return true;
  if (previous.kind === 'word') return BEFORE_REGEXP.test(previous.text);
  return previous.kind === 'mark' && previous.text !== ')' && previous.text !== ']' && previous.text !== '/';
}
