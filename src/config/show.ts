import { stringify } from 'yaml';
import type { Config } from './definition/configuration.js';
import { CONFIGURATION } from './definition/configuration.js';
import type { Plain } from './kind.js';

/** A configuration in the form that a file has, with every default, without secrets that stood in it. */
export function effectiveConfig(config: Config): Plain {
  return escaped(CONFIGURATION.write(config));
}

/** The same as YAML. */
export function effectiveConfigText(config: Config): string {
  return stringify(effectiveConfig(config), { lineWidth: 0, aliasDuplicateObjects: false });
}

/* A dollar that would start a substitution when the text is read again is doubled. */
function escaped(value: Plain): Plain {
  if (typeof value === 'string') return value.replace(/\$(?=[${])/g, '$$$$');
  if (typeof value !== 'object') return value;
  if (isList(value)) return value.map(escaped);
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, escaped(part)]));
}

function isList(value: Plain): value is readonly Plain[] {
  return Array.isArray(value);
}
