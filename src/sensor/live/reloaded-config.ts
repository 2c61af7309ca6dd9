import type { Config } from '../../config/definition/configuration.js';
import { effectiveConfig } from '../../config/show.js';
import type { Plain } from '../../config/kind.js';

/** What of a configuration that was read again can be used at once, and what only after a restart. */
export interface Reloaded {
  /** The one in force, with new rules, lists and filters. */
  readonly config: Config;
  /** Keys whose change waits for a restart. */
  readonly waiting: readonly string[];
}

/** Puts what a running sensor can change into the configuration in force. */
export function reloadedConfig(inForce: Config, read: Config): Reloaded {
  const interfaces = inForce.interfaces.map((one) => {
    const other = read.interfaces.find(({ label, name }) => label === one.label && name === one.name);
    return other === undefined ? one : { ...one, filter: other.filter, userFilter: other.userFilter };
  });
  const config: Config = {
    ...inForce,
    rules: read.rules,
    lists: read.lists,
    interfaces,
    capture: { ...inForce.capture, carriers: read.capture.carriers },
  };
  const used = effectiveConfig(config) as Readonly<Record<string, Plain>>;
  const wanted = effectiveConfig(read) as Readonly<Record<string, Plain>>;
  const keys = [...new Set([...Object.keys(used), ...Object.keys(wanted)])];
  return { config, waiting: keys.filter((key) => JSON.stringify(used[key]) !== JSON.stringify(wanted[key])) };
}
