/**
 * From what zod found to what the administrator reads: where, what is wrong, what to do.
 */
import { distance } from 'fastest-levenshtein';
import * as z from 'zod';
import { bare, docs } from './fields.ts';
import type { Mistake } from './mistake.ts';
import { schema } from './schema.ts';
import { suggestion } from './suggest.ts';

type Issue = z.core.$ZodIssue;

/** The mistakes behind one issue; several where zod lists several unknown keys in one. `document` is the parsed TOML. */
export function explain(issue: Issue, document: unknown): readonly Mistake[] {
  const steps = issue.path.map(String);
  const path = steps.join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...steps, key].join('.'),
      message: steps.length === 0 && isTable(valueAt(document, [key])) ? 'unknown section' : 'unknown key',
      remedy: suggestion(path, key),
    }));
  }
  if (issue.code === 'custom') {
    return [{ path, message: issue.message, remedy: String(issue.params?.remedy) }];
  }
  return [{ path, ...mismatch(steps, valueAt(document, steps)) }];
}

/** A value of the wrong type, out of range or not among those allowed. */
function mismatch(steps: readonly string[], value: unknown): Omit<Mistake, 'path'> {
  const key = steps.at(-1) ?? '';
  const field = fieldAt(steps);
  const allowed = bare(field);
  const isPath = docs.get(field)?.isPath === true; // where a secret may have been put by mistake
  const shown = isPath ? 'this value' : show(value);

  if (allowed instanceof z.ZodObject) {
    return {
      message: `this is ${kind(value)}, not a section`,
      remedy: `write [${steps.join('.')}] on a line of its own, its keys below`,
    };
  }
  if (allowed instanceof z.ZodRecord) {
    const one = docs.get(field)?.named ?? 'NAME';
    return {
      message: `this is ${kind(value)}, not sections with names`,
      remedy: `write [${[...steps, one].join('.')}] on a line of its own, its keys below`,
    };
  }
  if (allowed instanceof z.ZodNumber) {
    const range = `a whole number from ${allowed.minValue} to ${allowed.maxValue}`;
    if (typeof value === 'string' && allowed.safeParse(Number(value)).success && value.trim() !== '') {
      return { message: `${shown} is text, not a number`, remedy: `write ${key} = ${Number(value)}, without quotes` };
    }
    const wrong = Number.isInteger(value) ? 'out of range' : 'not a whole number';
    return { message: `${shown} is ${wrong}`, remedy: `give ${range}` };
  }
  if (allowed instanceof z.ZodBoolean) {
    return {
      message: `${shown} is neither true nor false`,
      remedy: `write ${key} = true or ${key} = false, without quotes`,
    };
  }
  if (allowed instanceof z.ZodEnum) return oneOf(key, allowed.options.map(String), value);
  if (value === undefined) {
    return { message: 'is missing', remedy: `write ${key} = ${JSON.stringify(docs.get(field)?.example ?? '...')}` };
  }
  return { message: `${shown} is not text`, remedy: 'write text, in quotes' };
}

function oneOf(key: string, options: readonly string[], value: unknown): Omit<Mistake, 'path'> {
  const message = `${show(value)} is not known here`;
  const meant = options.find((option) => typeof value === 'string' && distance(option, value.toLowerCase()) <= 2);
  if (options.length === 1) return { message, remedy: `write ${key} = "${options[0]}", the only one so far` };
  const list = options.map((option) => `"${option}"`).join(', ');
  return { message, remedy: meant === undefined ? `write one of ${list}` : `did you mean "${meant}"? One of ${list}` };
}

/** The schema of the key at `steps`, defaults included. */
function fieldAt(steps: readonly string[]): z.core.$ZodType {
  return steps.reduce<z.core.$ZodType>((outer, step) => {
    const section = bare(outer);
    if (section instanceof z.ZodRecord) return section.valueType;
    return (section instanceof z.ZodObject ? section.shape[step] : undefined) ?? outer;
  }, schema);
}

const isTable = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

const valueAt = (document: unknown, steps: readonly string[]): unknown =>
  steps.reduce((value, step) => (isTable(value) ? value[step] : undefined), document);

/** What TOML calls the value's type, with its article. */
function kind(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Date) return 'a date';
  if (typeof value === 'string') return 'text';
  if (typeof value === 'object') return 'a table';
  return typeof value === 'boolean' ? 'a boolean' : 'a number';
}

/** A scalar as TOML writes it, at most 60 characters; of anything larger only its type, since it may hold anything. */
function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value);
  if (typeof value === 'object') return kind(value);
  return String(value);
}
