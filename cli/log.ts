import { type Logger, pino } from 'pino';
import { escapedJson } from '../bridge/shared/harmless-text.ts';
import type { Config } from '../config/schema.ts';

/**
 * Structured logs on standard error, times in ISO 8601. What a terminal or a viewer would obey, or hide, of what others wrote is escaped as
 * JSON has it.
 */
export function openLog(level: string): Logger {
  const stderr = pino.destination({ fd: 2, sync: true });
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  return pino(options, { write: (line: string) => stderr.write(escapedJson(line)) });
}

/** Of passes that a command makes: steps and failures come in its result, and the log says more where a level below info is asked for. */
export function quietLog({ log: { level } }: Config): Logger {
  return ['debug', 'trace'].includes(level) ? openLog(level) : pino({ level: 'silent' });
}
