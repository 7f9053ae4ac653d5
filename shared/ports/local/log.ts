import type { Log, LogFields } from '../index.ts';

const LEVELS = { DEBUG: 0, INFO: 1, WARNING: 2, ERROR: 3, SILENT: 4 } as const;
export type LogLevel = keyof typeof LEVELS;

/** One JSON object a line, on the given stream, at or above `level`. */
export function lineLog(stream: { write(line: string): unknown }, level: LogLevel, clock: { now(): Date }): Log {
  const line = (severity: LogLevel, message: string, fields: LogFields = {}): void => {
    if (LEVELS[severity] < LEVELS[level]) return;
    stream.write(`${JSON.stringify({ severity, time: clock.now().toISOString(), message, ...fields })}\n`);
  };
  return {
    info: (message, fields) => line('INFO', message, fields),
    warn: (message, fields) => line('WARNING', message, fields),
    error: (message, fields) => line('ERROR', message, fields),
  };
}
