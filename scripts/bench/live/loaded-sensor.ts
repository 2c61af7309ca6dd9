import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { logLines, RunningSensor } from '../../../test/support/live-sensor.js';
import { TAP } from './wire.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const LISTEN = '127.0.0.1:9479';
const DROPPED = 'copperhull_capture_dropped_packets_total';
/* How long what is under way may take until it is analysed. */
const SETTLE_MS = 30_000;

export interface SensorSettings {
  /** `filter` of the interface. */
  readonly filter: 'auto' | 'none';
  readonly bufferBytes: number;
  /** `capture.queueBytes`, when other than its default. */
  readonly queueBytes?: number;
  /** Run from the source instead of the compiled files. */
  readonly isFromSource: boolean;
  readonly userFilter?: string;
  /** Text of a file of rules beside the shipped ones. */
  readonly ownRules?: string;
}

/** Counts of a whole run, from stats.log and capture_loss.log. */
export interface RunTotals {
  readonly received: number;
  readonly analysed: number;
  readonly kernelDrops: number;
  readonly interfaceDrops: number;
  readonly ringFull: number;
  readonly unread: number;
  readonly recordsDropped: number;
  readonly tunnels: number;
  readonly flows: number;
  readonly alerts: number;
  readonly mostLagSeconds: number;
}

/** Counts of /metrics that a probe compares. */
export interface CaptureCounts {
  readonly received: number;
  /** Packets, of all kinds; then those of two kinds. */
  readonly dropped: number;
  readonly kernelDrops: number;
  readonly ringFull: number;
  readonly analysed: number;
  readonly recordsDropped: number;
  readonly cpuSeconds: number;
}

/** Compiles copperhull, unless it is to run from its source. Throws when it does not compile. */
export function compile(isFromSource: boolean): void {
  if (isFromSource) return;
  const { status, stdout } = spawnSync('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`copperhull does not compile:\n${stdout}`);
}

/** A `copperhull run` on the tap, as its own process, with all shipped rules and a files sink. */
export class LoadedSensor {
  readonly folder = mkdtempSync(join(tmpdir(), 'copperhull-load-'));
  readonly #settings: SensorSettings;
  readonly #process: RunningSensor;

  private constructor(settings: SensorSettings) {
    this.#settings = settings;
    // It becomes an ordinary user, who must be able to read its configuration and to write its logs.
    for (const [name, mode] of [
      ['', 0o755],
      ['logs', 0o777],
      ['rules', 0o755],
    ] as const) {
      mkdirSync(join(this.folder, name), { recursive: true });
      chmodSync(join(this.folder, name), mode);
    }
    this.configure(settings.userFilter);
    if (settings.ownRules !== undefined) this.writeRules(settings.ownRules);
    const program = settings.isFromSource ? undefined : [process.execPath, join(ROOT, 'bin/copperhull')];
    this.#process = new RunningSensor(['--config', join(this.folder, 'config.yaml')], [], program);
    process.once('exit', () => this.#process.signal('SIGKILL'));
  }

  static async start(settings: SensorSettings): Promise<LoadedSensor> {
    const sensor = new LoadedSensor(settings);
    await sensor.says(/Capturing on/);
    return sensor;
  }

  /** Service log. */
  get log(): string {
    return this.#process.log;
  }

  /** Writes the configuration anew, with this `userFilter`. */
  configure(userFilter: string | undefined): void {
    const { filter, bufferBytes, queueBytes, ownRules } = this.#settings;
    // Beside `none` there is no userFilter: its text is the whole filter then.
    const narrowed =
      filter === 'none' ? `filter: '${userFilter}'` : `filter: ${filter}, userFilter: '${userFilter}'`;
    const passing = userFilter === undefined ? `filter: ${filter}` : narrowed;
    const text = [
      'sensor: bench',
      `interfaces: [{ name: ${TAP}, ${passing} }]`,
      `capture: { bufferBytes: ${bufferBytes}${queueBytes === undefined ? '' : `, queueBytes: ${queueBytes}`} }`,
      `http: { listen: '${LISTEN}' }`,
      'run: { statsIntervalMs: 1000, shutdownTimeoutMs: 60000 }',
      'sinks: [{ type: files, folder: logs }]',
      ...(ownRules === undefined ? [] : ['rules: { folders: [rules] }']),
      '',
    ].join('\n');
    writeFileSync(join(this.folder, 'config.yaml'), text);
  }

  /** Puts other rules beside the shipped ones, where it was started with some. */
  writeRules(text: string): void {
    writeFileSync(join(this.folder, 'rules/own.yaml'), text);
  }

  /** Waits until the service log says something, so many times. */
  says(what: RegExp, times?: number): Promise<void> {
    return this.#process.says(what, times);
  }

  hangUp(): void {
    this.#process.signal('SIGHUP');
  }

  /** Value of a metric, all its series together. */
  async metric(name: string): Promise<number> {
    return metricSum(await exposition(), name);
  }

  /** The counts once all that was received is analysed or dropped. Throws when that does not come. */
  async settled(): Promise<CaptureCounts> {
    const deadline = performance.now() + SETTLE_MS;
    let before: CaptureCounts | undefined;
    for (;;) {
      // Counts are as old as the last sign of the analysis thread, which it gives each second.
      await pause(1100);
      const text = await exposition();
      const now = {
        received: metricSum(text, 'copperhull_capture_packets_total'),
        dropped: metricSum(text, DROPPED),
        kernelDrops: metricSum(text, DROPPED, 'reason="kernel"'),
        ringFull: metricSum(text, DROPPED, 'reason="ring_full"'),
        analysed: metricSum(text, 'copperhull_analysis_packets_total'),
        recordsDropped: metricSum(text, 'copperhull_record_queue_dropped_records_total'),
        cpuSeconds: metricSum(text, 'process_cpu_seconds_total'),
      };
      const isDone = now.received === now.analysed + now.dropped;
      if (isDone && before?.received === now.received) return now;
      before = now;
      if (performance.now() > deadline)
        throw new Error(`Not analysed ${SETTLE_MS} ms after the last frame: ${JSON.stringify(now)}`);
    }
  }

  /** Memory of the process in octets. */
  residentBytes(): number {
    const status = readFileSync(`/proc/${this.#process.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) * 1024;
  }

  /** The part of {@link residentBytes} that is the kernel's ring: mappings of packet sockets. */
  ringBytes(): number {
    const maps = readFileSync(`/proc/${this.#process.pid}/smaps`, 'utf8');
    let total = 0;
    for (const [, kibibytes] of maps.matchAll(/ socket:\[\d+\]\n(?:\w+:.*\n)*?Rss:\s+(\d+) kB/g)) {
      total += Number(kibibytes) * 1024;
    }
    return total;
  }

  /** Open descriptors, but for log files: each of those is opened when its first record comes. */
  descriptors(): number {
    const folder = `/proc/${this.#process.pid}/fd`;
    return readdirSync(folder).filter((name) => !linkTarget(join(folder, name)).startsWith(this.folder))
      .length;
  }

  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null> {
    return this.#process.stop();
  }

  /** Counts of the run; after `stop`. */
  totals(): RunTotals {
    const stats = this.records('stats');
    const losses = this.records('capture_loss');
    return {
      received: sumOf(stats, 'pkts_link'),
      analysed: sumOf(stats, 'pkts_proc'),
      kernelDrops: sumOf(losses, 'kernel_drops'),
      interfaceDrops: sumOf(losses, 'interface_drops'),
      ringFull: sumOf(losses, 'ring_full_drops'),
      unread: sumOf(losses, 'unread_drops'),
      recordsDropped: sumOf(stats, 'records_dropped'),
      tunnels: sumOf(stats, 'tunnels'),
      flows: sumOf(stats, 'flows'),
      alerts: sumOf(stats, 'alerts'),
      mostLagSeconds: Math.max(0, ...stats.map(({ pkt_lag: lag }) => Number(lag ?? 0))),
    };
  }

  /** Lines of a log file. */
  records(log: 'notice' | 'stats' | 'capture_loss'): Record<string, unknown>[] {
    return logLines(join(this.folder, `logs/${log}.log`));
  }

  /** Removes its folder; after `stop`. */
  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

async function exposition(): Promise<string> {
  const answer = await fetch(`http://${LISTEN}/metrics`, { headers: { connection: 'close' } });
  if (!answer.ok) throw new Error(`/metrics answered ${answer.status}`);
  return answer.text();
}

/* Where a link points; nowhere when it is gone by now. */
function linkTarget(path: string): string {
  try {
    return readlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/* Of the series of a metric; with a label, of those that have it. */
function metricSum(text: string, name: string, label = ''): number {
  let sum = 0;
  for (const line of text.split('\n')) {
    const [series = '', value] = line.split(' ');
    const isOfMetric = series === name || series.startsWith(`${name}{`);
    if (isOfMetric && series.includes(label)) sum += Number(value);
  }
  return sum;
}

function sumOf(records: readonly Record<string, unknown>[], key: string): number {
  return records.reduce((sum, record) => sum + Number(record[key] ?? 0), 0);
}
