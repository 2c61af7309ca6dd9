import { access, constants, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Config, SinkConfig } from '../../config/definition/configuration.js';
import type { Rule } from '../../rules/rule.js';
import { tryToWrite } from '../../sink/files/trial.js';
import { SpoolLock } from '../../sink/spool/spool-lock.js';
import { loadEndpoints, loadRules } from '../load.js';
import type { CheckItem } from './check-item.js';
import { failed, ok, warning } from './check-item.js';

/** Reads rules and lists as `run` does. There are no rules where they are wrong. */
export function checkSources({ rules, lists }: Config): {
  readonly items: CheckItem[];
  readonly rules: readonly Rule[];
} {
  let loaded: readonly Rule[] = [];
  const items = [
    read('rules', () => {
      loaded = loadRules(rules.folders, rules.default).rules;
      return loaded.length === 0
        ? warning(
            'rules',
            'There are no rules, so there will be no alerts; set rules.default or name folders.',
          )
        : ok('rules', `${loaded.length} rules`);
    }),
    read('lists', () => ok('lists', `${loadEndpoints(lists.folders, lists.default).size} endpoints`)),
  ];
  return { items, rules: loaded };
}

function read(item: string, work: () => CheckItem): CheckItem {
  try {
    return work();
  } catch (error) {
    return failed(item, (error as Error).message, true);
  }
}

/** The folder of a sink: files or spool. `user` makes those that are not there, when the process is root. */
export async function checkFolder(sink: SinkConfig, user: string | undefined): Promise<CheckItem[]> {
  if (sink.type === 'stdout') return [];
  const { folder, minFreeBytes } = sink.type === 'files' ? sink : sink.spool;
  const item = `${sink.type === 'files' ? 'folder' : 'spool'} of sink ${sink.name}`;
  try {
    if (!(await isThere(folder))) return [await absent(item, folder, user)];
    await tryToWrite(folder);
    const { bavail, bsize } = await statfs(folder);
    const free = bavail * bsize;
    if (free < minFreeBytes) {
      const reason = `${folder}: ${free} octets are free, less than minFreeBytes (${minFreeBytes}); make room or lower it.`;
      return [failed(item, reason)];
    }
    const holder = sink.type === 'files' ? undefined : SpoolLock.holder(folder);
    if (holder !== undefined) return [warning(item, `${folder} is in use by process ${holder}.`)];
    return [ok(item, `${folder} can be written`)];
  } catch (error) {
    return [
      failed(
        item,
        `${folder} cannot be written: ${(error as Error).message}; give the sensor's user the right to.`,
      ),
    ];
  }
}

async function absent(item: string, folder: string, user: string | undefined): Promise<CheckItem> {
  if (user !== undefined) return ok(item, `${folder} will be made for user ${user}`);
  let above = dirname(folder);
  while (!(await isThere(above))) above = dirname(above);
  await access(above, constants.W_OK | constants.X_OK);
  return ok(item, `${folder} will be made`);
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
