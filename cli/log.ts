import { type Logger, pino } from 'pino';

/** Structured logs on standard error, times in ISO 8601. */
export function openLog(level: string): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ fd: 2, sync: true }));
}
