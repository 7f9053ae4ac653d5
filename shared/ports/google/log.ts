import type { Log, LogFields } from '../index.ts';

/**
 * Lines as Cloud Logging reads them from standard output (cloud.google.com/logging/docs/structured-logging): one JSON
 * object a line. `severity` and `message` are its own; a field cannot replace them.
 */
export function structuredLog(stream: { write(line: string): unknown } = process.stdout): Log {
  const line = (severity: string, message: string, fields: LogFields = {}): void => {
    stream.write(`${JSON.stringify({ ...fields, severity, message })}\n`);
  };
  return {
    info: (message, fields) => line('INFO', message, fields),
    warn: (message, fields) => line('WARNING', message, fields),
    error: (message, fields) => line('ERROR', message, fields),
  };
}
