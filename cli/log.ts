import { type Logger, pino } from 'pino';
import type { Config } from '../config/schema.ts';

/** Structured logs on standard error, times in ISO 8601. */
export function openLog(level: string): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ fd: 2, sync: true }));
}

/** Of passes that a command makes: steps and failures come in its result, and the log says more where a level below info is asked for. */
export function quietLog({ log: { level } }: Config): Logger {
  return ['debug', 'trace'].includes(level) ? openLog(level) : pino({ level: 'silent' });
}
