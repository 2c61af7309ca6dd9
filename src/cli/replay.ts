import { Command, Option } from 'commander';
import type { Alert } from '../model/records.js';
import type { Severity } from '../model/severity.js';
import { isAtLeast } from '../model/severity.js';
import type { LogLevel } from '../observe/log.js';
import { createLog, LOG_LEVELS } from '../observe/log.js';
import { DEFAULT_LIMITS } from '../sensor/analysis.js';
import { makeAnalysis } from '../sensor/census/census-analysis.js';
import { loadEndpoints, loadRules } from '../sensor/load.js';
import { Replay, REPLAY_SEED } from '../sensor/replay.js';
import type { AnalysisFlags } from './analysis-options.js';
import { analysisOptions, siteOf, vxlanPortsOf } from './analysis-options.js';
import { CommandError, EXIT } from './exit-code.js';
import { PROFILES } from '../model/profile.js';
import { collectText, repeatable, severity, speedFactor, waitOption } from './options.js';
import { Progress } from './progress.js';
import type { OutputFlags } from './replay-sinks.js';
import { replayOutput } from './replay-sinks.js';
import { AlertList, summarize, summaryText } from './replay-summary.js';

interface ReplayFlags extends OutputFlags, AnalysisFlags {
  readonly speed?: number;
  readonly merge?: true;
  readonly rules: readonly string[];
  readonly defaultRules: boolean;
  readonly failOn?: Severity;
  readonly json?: true;
  readonly quiet?: true;
  readonly logLevel: LogLevel;
}

/** `copperhull replay FILE...` */
export function replayCommand(): Command {
  const command = new Command('replay')
    .description('Read captures and write what is hidden in them as Zeek-compatible logs.')
    .argument('<file...>', 'pcap or pcapng files, also gzip-compressed; - for standard input')
    .option(
      '--out <folder>',
      'folder for the logs, or - for all records on standard output (default: a new folder named after the capture)',
    )
    .option('--config <file>', 'configuration file with sinks and census; see copperhull config reference')
    .addOption(
      repeatable(
        '--to <sink>',
        'sink of the configuration that gets the records; then logs are written only with --out',
        collectText,
      ),
    )
    .addOption(waitOption())
    .option('--speed <factor>', 'replay in the time of the capture: 1x, or faster: 10x', speedFactor)
    .option('--overwrite', 'replace logs that the folder already holds')
    .option('--merge', 'read several files by packet time instead of one after the other')
    .addOption(
      repeatable('--rules <folder>', 'folder with rules of your own, beside the shipped ones', collectText),
    )
    .option('--no-default-rules', 'leave the shipped rules out')
    .addOption(
      new Option(
        '--profile <name>',
        "extended: sees what Zeek misses; strict: sees and writes what Zeek does (default: the configuration's, or extended)",
      ).choices(PROFILES),
    );
  for (const option of analysisOptions()) command.addOption(option);
  return command
    .option(
      '--sensor <name>',
      "name of the sensor in the records (default: the configuration's, or copperhull)",
    )
    .option(
      '--fail-on <severity>',
      'exit with 4 when an alert of this severity or above was raised',
      severity,
    )
    .option('--json', 'print the summary as JSON')
    .option('--quiet', 'print no alerts and no summary')
    .addOption(
      new Option('--log-level <level>', 'service log on standard error').choices(LOG_LEVELS).default('warn'),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ copperhull replay capture.pcap
  $ copperhull replay --out logs --local-net 203.0.113.0/24 monday.pcap.gz tuesday.pcap.gz
  $ copperhull replay --config copperhull.yaml --to kafka capture.pcap
  $ tcpdump -w - | copperhull replay --out - - | jq 'select(._path == "notice")'

Exit codes: 0 done, 1 failed (what was read is written), 2 wrong usage, 3 rules or configuration invalid, 4 alerts at or above --fail-on.
`,
    )
    .action(replay);
}

async function replay(files: string[], flags: ReplayFlags): Promise<void> {
  if (files.filter((file) => file === '-').length > 1) {
    throw new CommandError('Standard input can be read only once; name - once.', EXIT.usage);
  }
  const log = createLog(flags.logLevel, false);
  const rules = loadRules(flags.rules, flags.defaultRules, '--rules');
  const endpoints = loadEndpoints();
  const { config, hub, sensor, profile, folder, stdout } = replayOutput(flags, files[0]!, log);
  const list = new AlertList();
  const alarm = { isRaised: false };
  const run = new Replay(hub, (emit) =>
    makeAnalysis(
      {
        rules: rules.rules,
        endpoints,
        site: siteOf(flags),
        sixrd: flags['6rd'],
        profile,
        maxDepth: flags.maxDepth,
        vxlanPorts: vxlanPortsOf(flags),
        checksums: flags.checksums,
        mirrorTransports: flags.mirrorTransport,
        limits: DEFAULT_LIMITS,
        sensor,
        seed: REPLAY_SEED,
        emit,
        onAlert: (alert: Alert) => {
          list.add(alert);
          if (flags.failOn !== undefined && isAtLeast(alert.rule.severity, flags.failOn))
            alarm.isRaised = true;
        },
      },
      config,
    ),
  );
  // As logrotate asks for. Without sinks of a configuration, a terminal that goes away ends the replay as ever.
  if (flags.to.length > 0) {
    process.on('SIGHUP', () => {
      hub.reopen().catch((error: unknown) => log.warn((error as Error).message));
    });
  }
  const progress = new Progress(files);
  let result;
  try {
    result = await run.run({
      files,
      merge: flags.merge === true,
      ...(flags.speed !== undefined && { speed: flags.speed }),
      onProgress: (bytes) => progress.update(bytes),
    });
  } catch (error) {
    // `| head` has seen enough.
    if (stdout?.isReaderGone === true) return;
    throw error;
  } finally {
    progress.stop();
  }
  for (const { origin, byteOffset } of result.cutShort) {
    log.warn(
      `${origin} ends in the middle of a packet at byte ${byteOffset}; everything before it was processed.`,
    );
  }
  if (run.hasOutput || result.faults.length === 0) {
    const summary = summarize(run.analysis, files.length, run.hasOutput ? folder : undefined, hub.healths());
    const stream = stdout !== undefined ? process.stderr : process.stdout;
    if (flags.json === true) stream.write(`${JSON.stringify(summary, undefined, 2)}\n`);
    else if (flags.quiet !== true) stream.write(`${list.text()}${summaryText(summary)}`);
  }
  const failures = [
    ...result.faults.map(({ message }) => message),
    ...result.sinkFailures.flatMap(({ sentences }) => sentences),
  ];
  if (failures.length > 0) throw new CommandError(failures, EXIT.failed);
  if (alarm.isRaised) process.exitCode = EXIT.alertsRaised;
}
