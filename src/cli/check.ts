import { Command } from 'commander';
import { ConfigError } from '../config/config-error.js';
import type { Config } from '../config/definition/configuration.js';
import { loadConfig } from '../config/load.js';
import { terminalText } from '../model/terminal-text.js';
import type { CheckItem, CheckReport } from '../sensor/check/check-item.js';
import { failed, ok, warning } from '../sensor/check/check-item.js';
import { BROKER_TIMEOUT_MS, checkSensor } from '../sensor/check/check.js';
import { SourceError } from '../yaml/diagnostic.js';
import { EXIT } from './exit-code.js';
import { collectText, repeatable, wholeNumber } from './options.js';
import type { LiveFlags } from './run.js';
import { liveConfig } from './run.js';
import { table } from './table.js';

interface CheckFlags extends LiveFlags {
  readonly timeout: number;
  readonly json?: true;
}

/** `copperhull check` */
export function checkCommand(): Command {
  return new Command('check')
    .description(
      'Look at everything that run needs: configuration, rules, lists, filters, interfaces, rights, folders, brokers.',
    )
    .option('--config <file>', 'configuration file; see copperhull config reference')
    .addOption(
      repeatable('--interface <name>', "interface to look at, in place of the configuration's", collectText),
    )
    .option(
      '--timeout <seconds>',
      'how long the other side of a sink may take',
      wholeNumber(1, 600),
      BROKER_TIMEOUT_MS / 1000,
    )
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Example:
  $ copperhull check --config /etc/copperhull/config.yaml

Start it as run is started, with the same user. Where "createTopic" is set, topics that are missing are made.
Exit codes: 0 nothing failed, 1 something that run needs is not there, 2 wrong usage, 3 configuration, rules, lists or filter invalid.
`,
    )
    .action(check);
}

async function check(flags: CheckFlags): Promise<void> {
  const { items, config } = readConfig(flags);
  const report =
    config === undefined ? { items: [], filters: [] } : await checkSensor(config, flags.timeout * 1000);
  const all = { items: [...items, ...report.items], filters: report.filters };
  process.stdout.write(flags.json === true ? `${JSON.stringify(shown(all), undefined, 2)}\n` : text(all));
  process.exitCode = exitCode(all.items);
}

function readConfig(flags: CheckFlags): { readonly items: CheckItem[]; readonly config?: Config } {
  try {
    const config = liveConfig(flags);
    const warnings = flags.config === undefined ? [] : loadConfig(flags.config, process.env).warnings;
    const items = warnings.map((sentence) => warning('configuration', sentence));
    return { items: [ok('configuration', flags.config ?? 'the defaults'), ...items], config };
  } catch (error) {
    if (!(error instanceof SourceError || error instanceof ConfigError)) throw error;
    return { items: [failed('configuration', error.message, true)] };
  }
}

function exitCode(items: readonly CheckItem[]): number {
  const wrong = items.filter(({ status }) => status === 'failed');
  if (wrong.some(({ isSource }) => isSource)) return EXIT.invalidSource;
  return wrong.length > 0 ? EXIT.failed : EXIT.done;
}

function shown({ items, filters }: CheckReport): unknown {
  return { items: items.map(({ item, status, reason }) => ({ item, status, reason })), filters };
}

function text({ items, filters }: CheckReport): string {
  // A reason of several lines is a listing of mistakes with their places.
  const rows = items.flatMap(({ item, status, reason }) =>
    reason
      .split('\n')
      .map((line, i) => (i === 0 ? [item, status, terminalText(line)] : ['', '', terminalText(line)])),
  );
  const parts = filters.map(({ interface: label, text: filter, hides }) => {
    const hidden = hides.map((sentence) => `    ${sentence}\n`).join('');
    const what = filter === '' ? 'everything passes' : filter;
    return `Kernel filter of ${label}:\n    ${terminalText(what)}\n${hides.length === 0 ? '' : `  It hides:\n${hidden}`}\n`;
  });
  // The table last: a filter fills a terminal.
  return `${parts.join('')}${table(['item', 'status', 'reason'], rows)}`;
}
