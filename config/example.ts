/**
 * The annotated mandat.toml, rendered from the schema: every key with its comment and its default.
 * After a change to the schema: npm run docs.
 */
import * as z from 'zod';
import { bare, docs } from './fields.ts';
import { schema } from './schema.ts';
import { withLogins } from './scheme-defaults.ts';

const HEADER = `mandat.toml: the configuration of mandat.
Every key stands here with its default; what is left out keeps it. Unknown keys are errors.
A line with # and no space after it is a setting that is off: take the # away where you want it.
Looked for at: --config FILE, $MANDAT_CONFIG, /etc/mandat/mandat.toml.
Nobody but root and who runs mandat may be able to write it.
Made from config/schema.ts by: npm run docs`;

/** The whole file. Loading it gives the defaults, with the optional sections that most sites have. */
export function renderExample(): string {
  const fields = Object.entries(schema.shape);
  const keys = fields.filter(([, field]) => !isSection(field));
  const sections = fields.filter(([, field]) => isSection(field));
  return [
    comment(HEADER),
    ...keys.map(([name, field]) => renderKey(name, field)),
    ...sections.map(([name, field]) => renderSection(name, field)),
  ].join('\n');
}

function renderSection(name: string, field: z.core.$ZodType): string {
  const section = bare(field);
  const keys = section instanceof z.ZodObject ? Object.entries(section.shape) : [];
  const { comment: words, off = false } = documentation(name, field);
  const optional = field instanceof z.ZodOptional ? '\nThis section may be left out.' : '';
  const rule = `# ${'-'.repeat(78)}\n`;
  return [
    `${rule}${comment(words + optional)}${off ? '#' : ''}[${name}]\n`,
    ...keys.filter(([, inner]) => !isNamed(inner)).map(([key, inner]) => renderKey(key, inner, { section: name, off })),
    ...keys.filter(([, inner]) => isNamed(inner)).map(([key, inner]) => renderNamed(`${name}.${key}`, inner)),
  ].join('\n');
}

/** One of several sections with names of the site's own: off, as an example. */
function renderNamed(place: string, field: z.core.$ZodType): string {
  const { comment: words, named } = documentation(place, field);
  const sections = bare(field);
  const one = sections instanceof z.ZodRecord ? bare(sections.valueType) : undefined;
  const keys = one instanceof z.ZodObject ? Object.entries(one.shape) : [];
  const section = `${place}.${named}`;
  return [
    `${comment(words)}#[${section}]\n`,
    ...keys.map(([key, inner]) => renderKey(key, inner, { section, off: true })),
  ].join('\n');
}

function renderKey(
  name: string,
  field: z.core.$ZodType,
  where?: { readonly section: string; readonly off: boolean },
): string {
  const { comment: words, example } = documentation(name, field);
  const values = range(bare(field));
  const instead = withLogins()[where?.section ?? '']?.[name];
  const hasDefault = field instanceof z.ZodDefault;
  const value = hasDefault ? field.def.defaultValue : example;
  const byScheme =
    instead === undefined
      ? undefined
      : `Left out it is ${JSON.stringify(value)}, and ${name === 'timezone' ? "the machine's own" : JSON.stringify(instead)} with scheme = "login".`;
  // What stands in the file would win over what the scheme makes of it.
  const off = where?.off === true || !hasDefault || byScheme !== undefined;
  const lines = [words, values, byScheme].filter((line) => line !== undefined);
  return `${comment(lines.join('\n'))}${off ? '#' : ''}${name} = ${JSON.stringify(value)}\n`;
}

/** The values allowed, as far as the schema's type says it. */
function range(field: z.core.$ZodType): string | undefined {
  if (field instanceof z.ZodNumber) return `From ${field.minValue} to ${field.maxValue}.`;
  if (field instanceof z.ZodEnum) {
    const options = field.options.map((option) => `"${option}"`);
    return options.length === 1 ? `Only ${options[0]} so far.` : `One of ${options.join(', ')}.`;
  }
  return undefined;
}

/** A key without documentation, or without default and example, is a fault of the schema. */
function documentation(name: string, field: z.core.$ZodType) {
  const found = docs.get(field);
  if (found === undefined) throw new Error(`${name} has no documentation in config/schema.ts`);
  if (field instanceof z.ZodOptional && !isSection(field) && found.example === undefined) {
    throw new Error(`${name} has neither default nor example in config/schema.ts`);
  }
  return found;
}

const isNamed = (field: z.core.$ZodType): boolean => bare(field) instanceof z.ZodRecord;

const isSection = (field: z.core.$ZodType): boolean => bare(field) instanceof z.ZodObject;

const comment = (words: string): string =>
  words
    .split('\n')
    .map((line) => `# ${line}\n`)
    .join('');
