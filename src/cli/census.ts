import { Command, Option } from 'commander';
import { DEFAULT_CONFIG } from '../config/load.js';
import { createLog } from '../observe/log.js';
import { readCensus } from '../sensor/census/census-reading.js';
import { REPLAY_SEED } from '../sensor/replay.js';
import type { DecodingFlags } from './analysis-options.js';
import { decodingOptions, vxlanPortsOf } from './analysis-options.js';
import { censusReport, censusText } from './census-report.js';
import { CommandError, EXIT } from './exit-code.js';
import { wholeNumber } from './options.js';
import { Progress } from './progress.js';

interface CensusFlags extends DecodingFlags {
  readonly top: number;
  readonly entries: number;
  readonly json?: true;
}

const MOST_ENTRIES = 1_048_576;

/** `copperhull census FILE...` */
export function censusCommand(): Command {
  const command = new Command('census')
    .description(
      'Count Teredo and 6to4 addresses wherever they are seen, by server, relay and prefix of clients.',
    )
    .argument('<file...>', 'pcap or pcapng files, also gzip-compressed; - for standard input')
    .addOption(
      new Option('--top <n>', 'lines of each table').argParser(wholeNumber(1, MOST_ENTRIES)).default(20),
    )
    .addOption(
      new Option('--entries <n>', 'what each table holds; what was not seen for longest makes room')
        .argParser(wholeNumber(16, MOST_ENTRIES))
        .default(DEFAULT_CONFIG.limits.censusEntries),
    );
  for (const option of decodingOptions()) command.addOption(option);
  return command
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ copperhull census monday.pcap.gz tuesday.pcap.gz
  $ copperhull census --json --top 5 capture.pcap | jq '.server.rows[] | select(.stands_out).address'
`,
    )
    .action(census);
}

async function census(files: string[], flags: CensusFlags): Promise<void> {
  if (files.filter((file) => file === '-').length > 1) {
    throw new CommandError('Standard input can be read only once; name - once.', EXIT.usage);
  }
  const { maxDepth, entries, mirrorTransport: mirrorTransports } = flags;
  const options = { maxDepth, vxlanPorts: vxlanPortsOf(flags), mirrorTransports, entries, seed: REPLAY_SEED };
  const progress = new Progress(files);
  let reading;
  try {
    reading = await readCensus(files, options, (bytes) => progress.update(bytes));
  } finally {
    progress.stop();
  }
  const log = createLog('warn', false);
  for (const { origin, byteOffset } of reading.cutShort) {
    log.warn(
      `${origin} ends in the middle of a packet at byte ${byteOffset}; everything before it was counted.`,
    );
  }
  const { watch, faults } = reading;
  if (watch.packets > 0 || faults.length === 0) {
    const report = censusReport(watch, files.length, flags.top);
    process.stdout.write(
      flags.json === true ? `${JSON.stringify(report, undefined, 2)}\n` : censusText(report),
    );
  }
  if (faults.length > 0)
    throw new CommandError(
      faults.map(({ message }) => message),
      EXIT.failed,
    );
}
