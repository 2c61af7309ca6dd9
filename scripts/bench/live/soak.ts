import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { compile, LoadedSensor } from './loaded-sensor.js';
import { benchOptions, filterText } from './options.js';
import { judgePlants, writePlants } from './plants.js';
import { Claims, kilo, printCorpus, printMachine } from './report.js';
import { probeFloor } from './floor.js';
import { outerThirds, Sampler } from './samples.js';
import { makeCorpus, sending } from './traffic.js';
import { addWire, enterWire, removeWire } from './wire.js';

/*
 * Under load, again and again: the interface is removed and comes back, the filter is read again with another userFilter, the
 * rules are read again with another rule. Nothing may break, leak or be missed. Root; veth pair in a network namespace.
 *
 *     node --import tsx scripts/bench/live/soak.ts [--times 10] [--rate 50000] [--warm-up 30] [--pause-ms 2000]
 *       [--rss-growth 10: per cent] [--plant-ms 50] [--tunnel-percent 40] [--frames 1000000] [--senders PROCESSORS]
 *       [--ring 33554432] [--filter auto] [--from-source]
 *
 * Memory is flat when the median of the last third of the samples after the warm-up is at most so many per cent over that of
 * the first third. Descriptors are flat when there are no more at the end than after the warm-up, log files left out.
 * A planted positive may be missed only between the removal of the interface and its return in the log.
 */
const HIDDEN = 'not net 192.0.2.0/24';
const OTHER_HIDDEN = 'not net 198.51.100.0/24';
const ONE_RULE = ownRule('soak-one', 7001);
const TWO_RULES = ONE_RULE + ownRule('soak-two', 7002);
const SAMPLE_MS = 250;
/* Much longer than anything here takes; the senders are stopped when it is over. */
const LONGEST_SECONDS = 3600;

const { frames, tunnelPercent, senders, bufferBytes, filter, isFromSource, own } = benchOptions(
  { seconds: 3, times: 10, rate: 50_000, 'warm-up': 30, 'pause-ms': 2000, 'rss-growth': 10, 'plant-ms': 50 },
  'auto',
);
const { times, rate } = own;
printMachine();
compile(isFromSource);
const corpus = makeCorpus(frames, tunnelPercent);
printCorpus(corpus);
console.log(`         filter ${filter}, ring of ${bufferBytes} octets, ${senders} senders\n`);
enterWire();

const traffic = { corpus, senders, filter: filterText(filter), rate };
const floor = await probeFloor({ ...traffic, bufferBytes, seconds: own.seconds }, rate);
const sensor = await LoadedSensor.start({
  filter,
  bufferBytes,
  isFromSource,
  userFilter: HIDDEN,
  ownRules: ONE_RULE,
});
const path = join(sensor.folder, 'plants.pcap');
const everyMs = own['plant-ms'];
const longestMs = 1000 * (own['warm-up'] + (30 + own['pause-ms'] / 1000) * 3 * times);
writePlants(path, Math.ceil(Math.min(longestMs, 1000 * LONGEST_SECONDS) / everyMs));
const send = sending({ ...traffic, seconds: LONGEST_SECONDS, plants: { path, everyMs } });
await pause(own['warm-up'] * 1000);

const gaps: { readonly fromMs: number; readonly toMs: number }[] = [];
let isAway = false;
const sampler = new Sampler(SAMPLE_MS, () => ({
  residentBytes: sensor.residentBytes(),
  // While the interface is away its descriptors are too.
  descriptors: isAway ? 0 : sensor.descriptors(),
}));
const firstDescriptors = sensor.descriptors();
let reloads = 0;
let rulesWrong = 0;

async function reload(): Promise<void> {
  sensor.hangUp();
  await sensor.says(/are in force/, ++reloads);
}

for (let round = 1; round <= times; round++) {
  const fromMs = Date.now();
  isAway = true;
  removeWire();
  await sensor.says(/is gone/, round);
  addWire();
  await sensor.says(/is there again/, round);
  isAway = false;
  gaps.push({ fromMs, toMs: Date.now() });
  await pause(own['pause-ms']);

  sensor.configure(round % 2 === 1 ? OTHER_HIDDEN : HIDDEN);
  await reload();
  await pause(own['pause-ms']);

  const before = await sensor.metric('copperhull_rules_loaded');
  sensor.writeRules(round % 2 === 1 ? TWO_RULES : ONE_RULE);
  await reload();
  // The metric is as old as the last sign of the analysis thread.
  await pause(Math.max(1500, own['pause-ms']));
  const after = await sensor.metric('copperhull_rules_loaded');
  if (after - before !== (round % 2 === 1 ? 1 : -1)) rulesWrong++;
}
await pause(own['pause-ms']);
sampler.stop();
send.stop();
const sent = await send.done;
await sensor.settled();
const restarts = sensor.log.match(/It is started again/g)?.length ?? 0;
const failedReloads = sensor.log.match(/stay in force/g)?.length ?? 0;
// A connection to /metrics may still be closing.
for (let i = 0; i < 50 && sensor.descriptors() > firstDescriptors; i++) await pause(100);
const lastDescriptors = sensor.descriptors();
const exitCode = await sensor.stop();

const { missing, extra } = judgePlants(sent.plantedAtMs.length, sensor.records('notice'));
const missedOutside = missing.filter((number) => {
  const at = sent.plantedAtMs[number]!;
  return !gaps.some(({ fromMs, toMs }) => at >= fromMs && at <= toMs);
});
const totals = sensor.totals();
const dropped = totals.kernelDrops + totals.ringFull;
const memory = outerThirds(sampler.samples.map(({ residentBytes }) => residentBytes));
const growth = 100 * (memory.last / memory.first - 1);
const mostDescriptors = Math.max(...sampler.samples.map(({ descriptors }) => descriptors));
const away = gaps.map(({ fromMs, toMs }) => toMs - fromMs).sort((a, b) => a - b);
const mib = (octets: number): string => `${(octets / 2 ** 20).toFixed(1)} MiB`;

console.log(`load        ${sent.sent} frames in ${sent.seconds.toFixed(0)} s, ${kilo(rate)} wanted`);
console.log(`floor       the bare libpcap loop lost ${floor.lost} of ${floor.passing} at this rate`);
console.log(
  `interface   ${times} times away, ${away[0]} to ${away.at(-1)} ms; ${totals.unread} packets unread then`,
);
console.log(`packets     ${totals.received} received, ${dropped} dropped, ${totals.analysed} analysed`);
console.log(
  `memory      ${mib(memory.first)} in the first third, ${mib(memory.last)} in the last, ${sampler.samples.length} samples`,
);
console.log(`ratio       ${(memory.last / memory.first).toFixed(3)} of the memory in the first third`);
console.log(
  `descriptors ${firstDescriptors} after the warm-up, at most ${mostDescriptors}, ${lastDescriptors} at the end\n`,
);

const claims = new Claims();
claims.check(
  'the sensor did not break and ended well',
  restarts === 0 && exitCode === 0,
  `${restarts} restarts, exit code ${exitCode}`,
);
claims.check(
  'every reload was taken',
  failedReloads === 0 && rulesWrong === 0,
  `${reloads} taken, ${failedReloads} refused, ${rulesWrong} with other rules than written`,
);
claims.check(
  `memory grew by at most ${own['rss-growth']} %`,
  growth <= own['rss-growth'],
  `${growth.toFixed(1)} %`,
);
claims.check(
  'descriptors are flat',
  lastDescriptors <= firstDescriptors,
  `${lastDescriptors - firstDescriptors} more`,
);
claims.check(
  'each planted positive was alerted once, but for those in the gaps',
  sent.plantedAtMs.length > 0 && missedOutside.length === 0 && extra === 0,
  `${sent.plantedAtMs.length} planted, ${missing.length - missedOutside.length} missing in gaps, ${missedOutside.length} elsewhere, ${extra} too many`,
);
claims.check(
  'received = dropped + unread + analysed',
  totals.received === dropped + totals.unread + totals.analysed,
  `gap of ${totals.received - dropped - totals.unread - totals.analysed}`,
);
if (process.exitCode === 1) console.log(`\nconfiguration and logs are kept in ${sensor.folder}`);
else sensor.remove();

function ownRule(name: string, port: number): string {
  return `- rule: ${name}
  rev: 1
  title: Rule of the soak
  on: flow
  severity: low
  status: test
  condition: inner.dst_port == ${port}
  note: TunnelAbuse::Soak
  message: rule of the soak
  dedup: { key: [outer.src], for: 1h }
  detections: [D17]
  references: [RFC 4213]
  false_positives: None.
  tests:
    - name: the port
      packets:
        - [ipv4: { src: 192.0.2.1, dst: 192.0.2.2 }, ipv6: { src: '2001:db8::1', dst: '2001:db8::2' }, tcp: { src: 4, dst: ${port} }]
      expect: [{ count: 1 }]
`;
}
