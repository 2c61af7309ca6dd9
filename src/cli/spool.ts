import { resolve } from 'node:path';
import { Command } from 'commander';
import { createLog } from '../observe/log.js';
import { makeSinks } from '../sensor/make-sinks.js';
import type { NamedSink } from '../sink/sink-hub.js';
import type { SpoolReport } from '../sink/spool/inspect.js';
import { firstWaiting, inspectSpool, spooledRecords } from '../sink/spool/inspect.js';
import { Spool } from '../sink/spool/spool.js';
import { DEFAULT_SPOOL } from '../sink/spool/spool-types.js';
import { StandardOutput } from '../sink/standard-output.js';
import { CommandError, EXIT } from './exit-code.js';
import { collectText, repeatable, wholeNumber } from './options.js';
import { chosen, configOf } from './replay-sinks.js';
import { table } from './table.js';

const DEFAULT_WAIT_SECONDS = 60;
const REPLAY_RECORDS = 1000;

/** `copperhull spool inspect|export|replay` */
export function spoolCommand(): Command {
  const command = new Command('spool').description('Look into the spool of a sink, and empty it by hand.');
  command
    .command('inspect')
    .description('Show what a spool holds. It may be in use.')
    .argument('<folder>', 'folder of the spool')
    .option('--json', 'print JSON')
    .action(inspect)
    .addHelpText('after', EXAMPLE('inspect /var/spool/copperhull/kafka'));
  command
    .command('export')
    .description('Print the records that wait, as JSON lines with _path in front. It may be in use.')
    .argument('<folder>', 'folder of the spool')
    .option('--all', 'also records that were delivered and are still on disk')
    .action(exportRecords)
    .addHelpText('after', EXAMPLE('export /var/spool/copperhull/kafka > waiting.jsonl'));
  command
    .command('replay')
    .description('Deliver what waits to sinks of a configuration. No sensor may be using the spool.')
    .argument('<folder>', 'folder of the spool')
    .requiredOption('--config <file>', 'configuration file with sinks')
    .addOption(repeatable('--to <sink>', 'sink that gets the records; at least one', collectText))
    .option(
      '--wait <seconds>',
      'how long a sink that does not deliver is waited for',
      wholeNumber(0, 86_400),
      DEFAULT_WAIT_SECONDS,
    )
    .action(replay)
    .addHelpText('after', EXAMPLE('replay /var/spool/copperhull/kafka --config copperhull.yaml --to kafka'));
  return command;
}

const EXAMPLE = (text: string): string => `\nExample:\n  $ copperhull spool ${text}\n`;

async function inspect(folder: string, flags: { readonly json?: true }): Promise<void> {
  const report = await inspectSpool(folder);
  process.stdout.write(
    flags.json === true ? `${JSON.stringify(report, undefined, 2)}\n` : reportText(report),
  );
}

function reportText({ folder, holder, committed, bytes, segments, waiting }: SpoolReport): string {
  const counts = (of: Readonly<Record<string, number | undefined>>): string =>
    Object.entries(of)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  const lines = [
    `spool ${folder}, ${holder === undefined ? 'not in use' : `in use by process ${holder}`}, ${bytes} bytes`,
    committed === undefined
      ? 'the file of settled records is damaged: everything on disk will be sent again'
      : `settled up to record ${committed.settled}: ${committed.deadLettered} dead-lettered, ${committed.dropped} dropped, ${committed.damaged} damaged; ${committed.resent} sent again, ${committed.refused} never accepted`,
    waiting.records === 0
      ? 'nothing waits'
      : `${waiting.records} records wait (${counts(waiting.byLog)}; ${counts(waiting.bySeverity)}), packet times ${waiting.first} to ${waiting.last}`,
  ];
  const rows = segments.map(({ path, first, last, records, ...rest }) => [
    path.slice(path.lastIndexOf('/') + 1),
    `${first}-${last}`,
    ...[records, rest.dropped, rest.damagedPlaces, rest.tailBytes, rest.bytes].map(String),
    rest.modified,
  ]);
  const head = ['SEGMENT', 'RECORDS', 'COUNT', 'DROPPED', 'DAMAGED', 'TORN', 'BYTES', 'MODIFIED'];
  return `${lines.join('\n')}\n${rows.length === 0 ? '' : `\n${table(head, rows)}`}`;
}

async function exportRecords(folder: string, flags: { readonly all?: true }): Promise<void> {
  const from = flags.all === true ? 1 : await firstWaiting(folder);
  const output = new StandardOutput(process.stdout);
  try {
    for await (const records of spooledRecords(folder, from)) await output.publish(records);
  } catch (error) {
    // `| head` has seen enough.
    if (!output.isReaderGone) throw error;
  }
}

interface ReplayFlags {
  readonly config: string;
  readonly to: readonly string[];
  readonly wait: number;
}

async function replay(folder: string, flags: ReplayFlags): Promise<void> {
  if (flags.to.length === 0)
    throw new CommandError('Say where the records shall go: add --to SINK.', EXIT.usage);
  await inspectSpool(folder); // a folder that is no spool must not become one
  const config = configOf(flags);
  const configs = chosen(config, flags);
  const log = createLog('warn', false);
  const sinks = makeSinks(configs, {
    sensor: config.sensor,
    tenant: config.tenant,
    log,
    emit: () => undefined, // what happens here is told on standard error
    patienceMs: flags.wait * 1000,
  });
  // The sink's own spool needs only to be opened: the sink delivers what waits in it.
  const isOwn = configs.some((one) => 'spool' in one && resolve(one.spool.folder) === resolve(folder));
  try {
    for (const { sink } of sinks) await sink.open();
    const before = sinks.map(({ sink }) => sink.health().spool?.acknowledged ?? 0);
    const moved = isOwn ? 0 : await move(folder, sinks, (message) => log.warn(message));
    if (!isOwn) process.stdout.write(`${moved} records taken out of ${folder}\n`);
    for (const [i, { name, sink }] of sinks.entries()) {
      await sink.flush();
      const { spool } = sink.health();
      const count = spool === undefined ? moved : spool.acknowledged - before[i]!;
      process.stdout.write(
        `sink ${name}: ${count} records ${spool === undefined ? 'written' : 'delivered'}\n`,
      );
    }
  } finally {
    for (const { sink } of sinks) await sink.close();
  }
}

/* Hands all that waits to sinks, whatever their filters say; a record leaves this spool once all of them have it. */
async function move(
  folder: string,
  sinks: readonly NamedSink[],
  onEvent: (message: string) => void,
): Promise<number> {
  const spool = await Spool.open(folder, {
    ...DEFAULT_SPOOL,
    onEvent: ({ kind, message }) => {
      if (kind !== 'recovered') onEvent(message);
    },
  });
  let moved = 0;
  try {
    while (spool.status.waiting > 0) {
      const records = await spool.read(REPLAY_RECORDS);
      for (const { sink } of sinks) await sink.publish(records);
      for (const { sequence } of records) spool.settle(sequence, 'acknowledged');
      moved += records.length;
    }
  } finally {
    await spool.close();
  }
  return moved;
}
