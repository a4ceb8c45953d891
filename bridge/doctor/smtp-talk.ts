/** A conversation with an SMTP server, as a mail program holds it. */
import { Failure } from '../shared/failure.ts';
import type { Trust, Wire } from './line-session.ts';

export interface Offer {
  readonly startTls: boolean;
  readonly plain: boolean;
}

/** All but the last line of an SMTP reply have a hyphen after their code. */
export const reply = (wire: Wire) => wire.lines((line) => !/^\d{3}-/.test(line));

export async function greeted(wire: Wire): Promise<Offer> {
  const greeting = (await reply(wire)).at(-1) ?? '';
  if (!greeting.startsWith('220')) throw new Failure('config', `it doesn't greet as an SMTP server: ${greeting}`);
  return greet(wire);
}

export async function greet(wire: Wire): Promise<Offer> {
  wire.send('EHLO mandat-doctor.invalid');
  const lines = (await reply(wire)).map((line) => line.slice(4).toUpperCase());
  return {
    startTls: lines.some((line) => line.trim() === 'STARTTLS'),
    plain: lines.some((line) => /^AUTH[ =].*\bPLAIN\b/.test(line)),
  };
}

export async function startTls(wire: Wire): Promise<void> {
  wire.send('STARTTLS');
  await reply(wire);
}

/** TLS where it is offered. `problem`: why the certificate isn't accepted, or that there is none; undefined where all is well. */
export async function secured(
  wire: Wire,
  trust: Trust,
  implicit: boolean,
): Promise<Offer & { readonly problem: string | undefined }> {
  const early = implicit ? (await wire.secure(trust)).problem : 'the connection is not encrypted';
  const offer = await greeted(wire);
  if (implicit || !offer.startTls) return { ...offer, problem: early };
  await startTls(wire);
  const { problem } = await wire.secure(trust);
  return { ...(await greet(wire)), problem };
}

export async function logIn(wire: Wire, login: string, password: string): Promise<string> {
  wire.send(`AUTH PLAIN ${Buffer.from(`\0${login}\0${password}`).toString('base64')}`);
  return (await reply(wire)).at(-1) ?? '';
}

/** The answer that it came to, and at which command: the first that refuses, else that to the message. */
export async function hand(
  wire: Wire,
  from: string,
  to: string,
  message: string,
): Promise<{ readonly at: string; readonly answer: string }> {
  for (const [at, command] of [
    ['MAIL', `MAIL FROM:<${from}>`],
    ['RCPT', `RCPT TO:<${to}>`],
    ['DATA', 'DATA'],
  ] as const) {
    wire.send(command);
    const answer = (await reply(wire)).at(-1) ?? '';
    if (!/^[23]/.test(answer)) return { at, answer };
  }
  wire.send(`${message}\r\n.`);
  return { at: 'message', answer: (await reply(wire)).at(-1) ?? '' };
}
