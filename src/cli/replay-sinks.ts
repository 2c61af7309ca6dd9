import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import type { Config } from '../config/definition/configuration.js';
import { DEFAULT_CONFIG, loadConfig } from '../config/load.js';
import type { Profile } from '../model/profile.js';
import { LOG_NAMES } from '../model/records.js';
import { terminalText } from '../model/terminal-text.js';
import type { Logger } from '../observe/log.js';
import { makeSinks } from '../sensor/make-sinks.js';
import { FileSink } from '../sink/files/file-sink.js';
import { replayFiles } from '../sink/files/file-sink-options.js';
import type { NamedSink } from '../sink/sink-hub.js';
import { SinkHub } from '../sink/sink-hub.js';
import { StandardOutput } from '../sink/standard-output.js';
import { suggestion } from '../yaml/nearest-name.js';
import { CommandError, EXIT } from './exit-code.js';

export interface OutputFlags {
  readonly out?: string;
  readonly overwrite?: true;
  readonly config?: string;
  readonly to: readonly string[];
  readonly wait: number;
  readonly sensor?: string;
  readonly profile?: Profile;
}

export interface ReplayOutput {
  /** The configuration, or the defaults. */
  readonly config: Config;
  readonly hub: SinkHub;
  readonly sensor: string;
  readonly profile: Profile;
  /** Folder of the logs, when there is one. */
  readonly folder: string | undefined;
  /** Set when records go to standard output, so that nothing else may. */
  readonly stdout: StandardOutput | undefined;
}

const EVERYTHING = { logs: LOG_NAMES, minSeverity: 'informational' } as const;

/** Where a replay writes: a folder or standard output, and the sinks of the configuration that are named. */
export function replayOutput(flags: OutputFlags, firstFile: string, log: Logger): ReplayOutput {
  const config = configOf(flags);
  if (flags.config !== undefined && flags.to.length === 0 && config.sinks.length > 0) {
    const names = config.sinks.map(({ name }) => `--to ${name}`).join(', ');
    process.stderr.write(
      `warning: the sinks of ${terminalText(flags.config)} get nothing; name them: ${names}\n`,
    );
  }
  const sensor = flags.sensor ?? config.sensor;
  const profile = flags.profile ?? config.profile;
  const sinks: NamedSink[] = [];
  let stdout: StandardOutput | undefined;
  let folder: string | undefined;
  if (flags.out === '-') {
    stdout = new StandardOutput(process.stdout);
    sinks.push({ name: 'out', type: 'stdout', filter: EVERYTHING, sink: stdout });
  } else if (flags.out !== undefined || flags.to.length === 0) {
    folder = flags.out ?? freshFolder(firstFile, flags.overwrite === true);
    const sink = new FileSink(folder, replayFiles(flags.overwrite === true));
    sinks.push({ name: 'out', type: 'files', filter: EVERYTHING, sink });
  }
  const hub: { made?: SinkHub } = {};
  const named = makeSinks(chosen(config, flags), {
    sensor,
    profile,
    tenant: config.tenant,
    log,
    emit: (record) => hub.made?.offer([record]),
    patienceMs: flags.wait * 1000,
  });
  for (const one of named) if (one.sink instanceof StandardOutput) stdout = one.sink;
  hub.made = new SinkHub([...sinks, ...named]);
  return { config, hub: hub.made, sensor, profile, folder, stdout };
}

/** Reads a configuration file and tells its warnings; without a file, the defaults. */
export function configOf({ config: path }: { readonly config?: string }): Config {
  if (path === undefined) return DEFAULT_CONFIG;
  const { config, warnings } = loadConfig(path, process.env);
  for (const warning of warnings) process.stderr.write(`${terminalText(`warning: ${warning}`)}\n`);
  return config;
}

/** The sinks that `--to` names. */
export function chosen(
  config: Config,
  { to, config: path }: Pick<OutputFlags, 'to' | 'config'>,
): Config['sinks'][number][] {
  if (to.length > 0 && path === undefined) {
    throw new CommandError(
      `--to ${to[0]} names a sink of a configuration file; add --config FILE.`,
      EXIT.usage,
    );
  }
  return [...new Set(to)].map((name) => {
    const sink = config.sinks.find((one) => one.name === name);
    if (sink !== undefined) return sink;
    const names = config.sinks.map((one) => one.name);
    const there = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`;
    throw new CommandError(
      `${path} has no sink named ${name}${suggestion(name, names)}; ${there}.`,
      EXIT.usage,
    );
  });
}

/* NAME.copperhull in the working folder; numbered when it is there already and may not be overwritten. */
function freshFolder(file: string, overwrite: boolean): string {
  const name =
    file === '-'
      ? 'stdin'
      : basename(file)
          .replace(/\.gz$/, '')
          .replace(/\.(pcap|pcapng|cap|dump)$/, '');
  for (let number = 1; ; number++) {
    const folder = `${name}.copperhull${number === 1 ? '' : `-${number}`}`;
    if (overwrite || !existsSync(folder)) return folder;
  }
}
