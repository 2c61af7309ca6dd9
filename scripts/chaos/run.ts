import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import type { SpoolStatus } from '../../src/sink/spool/spool-types.js';
import type { TopicMessage } from '../../test/support/kafka.js';
import { createTopic, readTopic } from '../../test/support/kafka.js';
import { numberOf } from '../../test/support/log-records.js';
import type { KafkaBroker } from '../kafka-broker/broker.js';

export interface ChaosOptions {
  readonly broker: KafkaBroker;
  readonly topic: string;
  readonly folder: string;
  readonly alerts: number;
  readonly partitions: number;
  /** How often each thing happens, at random times. */
  readonly brokerKills: number;
  readonly stalls: number;
  readonly sensorKills: number;
  /** Milliseconds that a stall lasts; longer than the client's request time-out. */
  readonly stallMs: number;
  readonly onEvent: (text: string) => void;
}

export interface ChaosResult {
  /** Numbers whose `publish` was seen to resolve. */
  readonly accepted: ReadonlySet<number>;
  readonly messages: readonly TopicMessage[];
  readonly status: SpoolStatus;
  readonly faults: Readonly<Record<Fault, number>>;
}

type Fault = 'broker-kill' | 'stall' | 'sensor-kill';

const BATCH = 50;
const SENSOR = fileURLToPath(new URL('sensor.ts', import.meta.url));

/**
 * Publishes numbered alerts through a spool into a broker while broker and sensor are killed with SIGKILL and the broker
 * is stalled. Gives what was accepted and what arrived.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { broker, topic, alerts } = options;
  await createTopic(broker, topic, options.partitions);
  const accepted = new Set<number>();
  const faults: Record<Fault, number> = { 'broker-kill': 0, stall: 0, 'sensor-kill': 0 };
  const plan = planOf(options);
  let next = 0;
  /* One after the other, while the sensor goes on: it may be killed while the broker is away. */
  let brokerFaults = Promise.resolve();
  let status: SpoolStatus | undefined;
  while (status === undefined) {
    const sensor = startSensor(options, next, alerts - accepted.size);
    const lines = createInterface({ input: sensor.stdout });
    // The listener must be there before the first line comes.
    const seen: string[] = [];
    let wake = (): void => undefined;
    lines.on('line', (line) => {
      seen.push(line);
      wake();
    });
    const stream = { hasEnded: false };
    lines.on('close', () => {
      stream.hasEnded = true;
      wake();
    });
    let isKilled = false;
    for (;;) {
      const line = seen.shift();
      if (line === undefined) {
        if (stream.hasEnded) break;
        await new Promise<void>((resolve) => (wake = resolve));
        continue;
      }
      const [word, ...rest] = line.split(' ') as [string, ...string[]];
      if (word === 'accepted') {
        const [from, to] = rest.map(Number) as [number, number];
        for (let number = from; number < to; number++) accepted.add(number);
        // What a killed sensor accepted without telling must not be published again under the same number.
        next = to + BATCH * 20;
      } else if (word === 'done') status = JSON.parse(rest.join(' ')) as SpoolStatus;
      else options.onEvent(line);
      while (!isKilled && plan.length > 0 && accepted.size >= plan[0]!.at) {
        const { fault } = plan.shift()!;
        faults[fault]++;
        options.onEvent(`${fault} at ${accepted.size}`);
        if (fault === 'sensor-kill') {
          isKilled = true;
          sensor.kill('SIGKILL');
        } else brokerFaults = brokerFaults.then(() => hurt(broker, fault, options));
      }
    }
    if (status === undefined && !isKilled) throw new Error(`The sensor ended by itself after ${next}.`);
  }
  await brokerFaults;
  const messages = await readTopic(broker, topic);
  return { accepted, messages, status, faults };
}

/* Faults in random order, spread over the run by how many alerts were accepted. */
function planOf(options: ChaosOptions): { readonly at: number; readonly fault: Fault }[] {
  const faults: Fault[] = [
    ...Array<Fault>(options.brokerKills).fill('broker-kill'),
    ...Array<Fault>(options.stalls).fill('stall'),
    ...Array<Fault>(options.sensorKills).fill('sensor-kill'),
  ];
  const most = options.alerts * 0.9;
  return faults.map((fault) => ({ fault, at: Math.floor(Math.random() * most) })).sort((a, b) => a.at - b.at);
}

async function hurt(broker: KafkaBroker, fault: Fault, { stallMs }: ChaosOptions): Promise<void> {
  if (fault === 'broker-kill') {
    await broker.kill();
    await broker.start();
  } else {
    broker.pause();
    await new Promise((resolve) => setTimeout(resolve, stallMs));
    broker.resume();
  }
}

function startSensor({ broker, topic, folder }: ChaosOptions, first: number, count: number) {
  const values = [first, Math.max(0, count), BATCH, 20].map(String);
  return spawn(
    process.execPath,
    ['--import', 'tsx', SENSOR, broker.address(), topic, join(folder, 'spool'), ...values],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
}

/** What the run shows: each is a sentence that must not be there. */
export function findings({ accepted, messages, status }: ChaosResult): string[] {
  const wrong: string[] = [];
  const seen = new Map<number, number>();
  const lastOfKey = new Map<string, number>();
  let reordered = 0;
  for (const message of [...messages].sort((a, b) => a.partition - b.partition || a.offset - b.offset)) {
    const number = numberOf({ json: message.value });
    const times = (seen.get(number) ?? 0) + 1;
    seen.set(number, times);
    if (times > 1) continue;
    const key = message.key ?? '';
    if (number < (lastOfKey.get(key) ?? -1)) reordered++;
    lastOfKey.set(key, number);
  }
  const lost = [...accepted].filter((number) => !seen.has(number));
  if (lost.length > 0) wrong.push(`${lost.length} accepted alerts are not in the topic, ${lost[0]} first`);
  if (reordered > 0) wrong.push(`${reordered} alerts overtook another of their key`);
  const { acknowledged, deadLettered, dropped, damaged, waiting } = status;
  const sum = acknowledged + deadLettered + dropped + damaged + waiting;
  if (status.accepted !== sum) wrong.push(`the sum is wrong: ${JSON.stringify(status)}`);
  if (status.accepted !== seen.size)
    wrong.push(`the spool accepted ${status.accepted}, and ${seen.size} different alerts are in the topic`);
  if (waiting + deadLettered + dropped + damaged > 0)
    wrong.push(`not all is delivered: ${JSON.stringify(status)}`);
  return wrong;
}

/** Messages that are in the topic more than once, counted without their first time. */
export function duplicates({ messages }: ChaosResult): number {
  return messages.length - new Set(messages.map(({ value }) => numberOf({ json: value }))).size;
}
