import { Command, Option } from 'commander';
import { stringify } from 'yaml';
import type { Config } from '../config/definition/configuration.js';
import { parseConfig } from '../config/load.js';
import type { LogLevel } from '../observe/log.js';
import { createLog, LOG_LEVELS } from '../observe/log.js';
import { AnalysisError } from '../sensor/live/analysis-host.js';
import { LiveSensor } from '../sensor/live/live-sensor.js';
import { becomeUser } from '../sensor/live/sensor-user.js';
import { isPackageReadable, PACKAGE_FOLDER } from '../sensor/package-files.js';
import { CommandError, EXIT } from './exit-code.js';
import { collectText, repeatable } from './options.js';
import { configOf } from './replay-sinks.js';

export interface LiveFlags {
  readonly config?: string;
  readonly interface: readonly string[];
}

interface RunFlags extends LiveFlags {
  readonly logLevel: LogLevel;
  readonly logJson?: true;
}

/** `copperhull run` */
export function runCommand(): Command {
  return new Command('run')
    .description(
      'Capture on interfaces and send alerts to the sinks of the configuration, until told to stop.',
    )
    .option('--config <file>', 'configuration file; see copperhull config reference')
    .addOption(
      repeatable(
        '--interface <name>',
        "interface to capture on, in place of the configuration's",
        collectText,
      ),
    )
    .addOption(
      new Option('--log-level <level>', 'service log on standard error').choices(LOG_LEVELS).default('info'),
    )
    .option('--log-json', 'service log as JSON lines')
    .addHelpText(
      'after',
      `
Examples:
  $ copperhull run --interface eth1
  $ copperhull run --config /etc/copperhull/config.yaml

SIGHUP reads rules, lists and filters again; SIGTERM writes what was captured and ends.
Exit codes: 0 ended by a signal, 1 failed, 2 wrong usage, 3 configuration, rules, lists or filter invalid.
`,
    )
    .action(run);
}

async function run(flags: RunFlags): Promise<void> {
  // Until the sensor runs a wish to reload waits.
  const hangUps = { wanted: false, reload: (): void => void (hangUps.wanted = true) };
  process.on('SIGHUP', () => hangUps.reload());
  const log = createLog(flags.logLevel, flags.logJson === true);
  const config = liveConfig(flags);
  if (config.interfaces.length === 0)
    throw new CommandError(
      'There is no interface to capture on; add --interface NAME, or "interfaces: [{ name: NAME }]" to the configuration.',
      EXIT.usage,
    );
  const user = becomeUser(config);
  if (user !== undefined) log.info(`Running as user ${user} with CAP_NET_RAW alone.`);
  if (!isPackageReadable())
    throw new CommandError(
      `User ${user ?? 'of this process'} may not read ${PACKAGE_FOLDER}, where copperhull is; put it where all may read it, such as /opt/copperhull, or name another user in run.user.`,
      EXIT.failed,
    );
  const sensor = new LiveSensor({
    config,
    readConfig: flags.config === undefined ? undefined : () => liveConfig(flags),
    log,
  });
  const stopped = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve);
  });
  try {
    await sensor.start();
  } catch (error) {
    if (error instanceof AnalysisError)
      throw new CommandError(
        error.message.split('\n'),
        error.sort === 'source' ? EXIT.invalidSource : EXIT.failed,
      );
    throw error;
  }
  hangUps.reload = (): void => void sensor.reload();
  if (hangUps.wanted) hangUps.reload();
  log.info(`Stopping: ${await stopped}.`);
  const isWhole = await sensor.stop();
  log.info('Stopped.');
  // A sink that hangs must not keep the process.
  process.exit(isWhole ? EXIT.done : EXIT.failed);
}

/** The configuration of a live sensor: without sinks it writes files, and --interface goes before its interfaces. */
export function liveConfig(flags: LiveFlags): Config {
  const config = configOf(flags);
  const names = flags.interface;
  const interfaces =
    names.length === 0
      ? config.interfaces
      : part('--interface', { interfaces: names.map((name) => ({ name })) }).interfaces;
  const sinks = config.sinks.length > 0 ? config.sinks : part('sinks', { sinks: [{ type: 'files' }] }).sinks;
  return { ...config, interfaces, sinks };
}

function part(name: string, keys: Readonly<Record<string, unknown>>): Config {
  return parseConfig(name, stringify(keys), {}, '/').config;
}
