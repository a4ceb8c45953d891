/**
 * What the schema is written with: the kinds of value a key can have, and the registry that holds each key's
 * documentation. The checks, the messages and the annotated example all read the same declarations.
 */
import * as z from 'zod';
import type { Problem, Rule } from './rule.ts';
import { commandWords, listOf, loginCommandWords, serverList, severalOf } from './rules.ts';

/** A file is looked at once: making code for that takes longer than it saves. */
z.config({ jitless: true });

export interface KeyDoc {
  /** Printed above the key or section in the annotated file; lines are broken by hand. */
  readonly comment: string;
  /** Shown, commented out, for a key that has no default. */
  readonly example?: string | readonly string[];
  /** A section that most sites do without: commented out in the annotated file. */
  readonly off?: true;
  /** Of sections of one kind: the name of the one that is shown. */
  readonly named?: string;
  /** Names a file or directory; resolved against the directory of the configuration file. */
  readonly isPath?: true;
  /** Names a Unix socket (what is HOST:PORT isn't one); resolved against runtime_dir. */
  readonly isSocket?: true;
}

export const docs = z.registry<KeyDoc>();

/** What a value that isn't a number, a boolean or one word looks like: docs/reference/configuration.md says it from here. */
export type Form =
  | { readonly kind: 'text'; readonly rule: Rule }
  | { readonly kind: 'one-or-several'; readonly options: readonly string[] }
  | { readonly kind: 'command'; readonly login: boolean }
  | { readonly kind: 'server-names' }
  | { readonly kind: 'texts'; readonly rule: Rule };

export const forms = z.registry<Form>();

/**
 * A whole number between two bounds, both allowed. Not `z.int()`: its failure stops the checks of the section around it,
 * and the remaining mistakes would show up only at the next start.
 */
export const whole = (min: number, max: number) => z.number().min(min).max(max).multipleOf(1);

/** Text that a rule judges; every problem it finds is reported, each with its remedy. */
export const text = (rule: Rule) =>
  z
    .string()
    .check((context) => {
      for (const { message, remedy } of rule(context.value)) {
        context.issues.push({ code: 'custom', input: context.value, message, params: { remedy }, continue: true });
      }
    })
    .register(forms, { kind: 'text', rule });

type Judge = (value: unknown) => readonly Problem[];

/** A value of no simple type, which a judge looks at as it stands in the file. */
const judged = <T>(judge: Judge) =>
  z.custom<T>().check((context) => {
    for (const { message, remedy } of judge(context.value)) {
      context.issues.push({ code: 'custom', input: context.value, message, params: { remedy }, continue: true });
    }
  });

/** One of these words, or a list of several. */
export const oneOrSeveral = <T extends string>(options: readonly T[]) =>
  judged<T | readonly T[]>(severalOf(options)).register(forms, { kind: 'one-or-several', options });

/** A command as the list of its words, which no shell sees. */
export const command = () => judged<readonly string[]>(commandWords).register(forms, { kind: 'command', login: false });

/** A command that is told a login: by the word `{login}`, or as its last argument. */
export const loginCommand = () =>
  judged<readonly string[]>(loginCommandWords).register(forms, { kind: 'command', login: true });

/** Mail servers, by their names in the table. */
export const serverNames = () => judged<readonly string[]>(serverList).register(forms, { kind: 'server-names' });

/** A list of texts, each as the rule has it. */
export const textList = (rule: Rule) =>
  judged<readonly string[]>(listOf(rule)).register(forms, { kind: 'texts', rule });

/** Sections of one kind, each with a name of the site's own: `[portal.services.NAME]`. None by default. */
export const sections = <T extends z.ZodObject>(one: T, name: Rule) =>
  z
    .record(z.string(), one)
    .check((context) => {
      for (const key of Object.keys(context.value)) {
        for (const { message, remedy } of name(key)) {
          const path = [key];
          context.issues.push({ code: 'custom', input: key, path, message, params: { remedy }, continue: true });
        }
      }
    })
    .default({});

/** A section whose keys all have defaults: left out, it is as if it stood there empty. */
export const always = <T extends z.ZodObject>(section: T) => section.prefault({} as z.input<T>);

/** The schema beneath defaults and optionality. */
export function bare(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    return bare(schema.unwrap());
  }
  return schema;
}
