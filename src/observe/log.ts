import winston from 'winston';
import { terminalText } from '../model/terminal-text.js';

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What the rest of the program needs of a logger. */
export interface Logger {
  error(message: string, facts?: Readonly<Record<string, unknown>>): void;
  warn(message: string, facts?: Readonly<Record<string, unknown>>): void;
  info(message: string, facts?: Readonly<Record<string, unknown>>): void;
  debug(message: string, facts?: Readonly<Record<string, unknown>>): void;
}

/* Names of values that never reach a log: secrets, and what packets carry. */
const SECRET =
  /pass(word|phrase)?|secret|token|credential|private|sasl|authorization|api_?key|payload|bytes$/i;
const REDACTED = '[redacted]';

/** The value with everything secret replaced, at any depth. */
export function redact(value: unknown, depth = 0): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return REDACTED;
  if (depth > 6) return '[deep]';
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  if (value instanceof Error) return value.message;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      SECRET.test(key) ? REDACTED : redact(inner, depth + 1),
    ]),
  );
}

/** The service log: one line an event on standard error, never on the packet path. */
export function createLog(level: LogLevel, json: boolean): Logger {
  const redacted = winston.format((info) => Object.assign(info, redact({ ...info })));
  const line = winston.format.printf(({ level: name, message, timestamp, ...facts }) => {
    const details = Object.keys(facts).length === 0 ? '' : ` ${JSON.stringify(facts)}`;
    return `${String(timestamp)} ${name}: ${terminalText(String(message))}${details}`;
  });
  return winston.createLogger({
    level,
    format: winston.format.combine(
      redacted(),
      winston.format.timestamp(),
      json ? winston.format.json() : line,
    ),
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston's own types disagree
    transports: new winston.transports.Console({ stderrLevels: [...LOG_LEVELS] }),
  });
}
