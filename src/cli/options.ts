import { InvalidArgumentError, Option } from 'commander';
import type { Severity } from '../model/severity.js';
import { isSeverity, SEVERITIES } from '../model/severity.js';
import type { Prefix } from '../wire/address.js';
import { parsePrefix } from '../wire/address.js';
import type { SixrdDomain } from '../wire/embedded-address.js';
import { parseSixrd } from '../wire/sixrd-domain.js';

/** An option that may be given several times; its value is a list. */
export function repeatable<T>(
  flags: string,
  description: string,
  collect: (text: string, before: readonly T[]) => readonly T[],
  otherwise = 'none',
): Option {
  return new Option(flags, `${description}; may be given several times`)
    .argParser(collect)
    .default([] as readonly T[], otherwise);
}

/** `--wait`: the patience of a replay with its sinks, in seconds. */
export function waitOption(): Option {
  return new Option('--wait <seconds>', 'how long a sink that does not deliver is waited for')
    .argParser(wholeNumber(0, 86_400))
    .default(60);
}

/* Parsers of option values. Each says what the value should have been. */

export function collectPrefix(text: string, before: readonly Prefix[]): Prefix[] {
  const prefix = parsePrefix(text);
  if (typeof prefix === 'string') throw new InvalidArgumentError(`${prefix}.`);
  return [...before, prefix];
}

export function collectSixrd(text: string, before: readonly SixrdDomain[]): SixrdDomain[] {
  const domain = parseSixrd(text);
  if (typeof domain === 'string') throw new InvalidArgumentError(`${domain}.`);
  return [...before, domain];
}

export function collectText(text: string, before: readonly string[]): string[] {
  return [...before, text];
}

export function collectPort(text: string, before: readonly number[]): number[] {
  return [...before, wholeNumber(1, 65_535)(text)];
}

export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (!(value >= least && value <= most)) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}

/** `1x`, `10x`, `0.5x`. */
export function speedFactor(text: string): number {
  const factor = /^(\d+(\.\d+)?)x$/.exec(text)?.[1];
  if (factor === undefined || !(Number(factor) > 0))
    throw new InvalidArgumentError('It must be a factor such as 1x or 10x.');
  return Number(factor);
}

export function severity(text: string): Severity {
  if (!isSeverity(text)) throw new InvalidArgumentError(`It must be one of ${SEVERITIES.join(', ')}.`);
  return text;
}
