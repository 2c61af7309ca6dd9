import { join } from 'node:path';
import type { ProbeOptions, TopRate } from './floor.js';
import { probeFloor, topRate } from './floor.js';
import type { CaptureCounts } from './loaded-sensor.js';
import { compile, LoadedSensor } from './loaded-sensor.js';
import { benchOptions, filterText } from './options.js';
import { judgePlants, writePlants } from './plants.js';
import { Claims, kilo, printCorpus, printMachine } from './report.js';
import { makeCorpus, sending } from './traffic.js';
import { enterWire } from './wire.js';

/*
 * The budget of live capture: no loss up to half of the highest rate at which a bare libpcap loop in C loses nothing, with all
 * shipped rules, and every planted positive is alerted once. Root; veth pair in a network namespace of its own.
 *
 *     node --import tsx scripts/bench/live/load.ts [--seconds 60] [--tunnel-percent 1] [--frames 1000000]
 *       [--probe-seconds 3] [--warm-up 0] [--senders PROCESSORS] [--ring 33554432] [--plant-ms 100] [--filter auto|none]
 *       [--from-source] [--rate FRAMES A SECOND, instead of half of the loop's; nothing is searched then]
 *
 * With --warm-up, the same is sent for so many seconds before; what is lost then is told, and not claimed: V8 interprets the
 * code of a sensor that has just begun, which is several times slower. Senders, capture thread, analysis and the main
 * thread share the processors. Ends with 1 when a claim does not hold.
 */
const { frames, tunnelPercent, senders, bufferBytes, filter, isFromSource, own } = benchOptions(
  { seconds: 60, 'tunnel-percent': 1, 'probe-seconds': 3, 'warm-up': 0, 'plant-ms': 100, rate: 0 },
  'auto',
);
const plantMs = own['plant-ms'];
printMachine();
compile(isFromSource);
const corpus = makeCorpus(frames, tunnelPercent);
printCorpus(corpus);
console.log(`         filter ${filter}, ring of ${bufferBytes} octets, ${senders} senders\n`);
enterWire();

const options: ProbeOptions = {
  corpus,
  senders,
  bufferBytes,
  seconds: own['probe-seconds'],
  filter: filterText(filter),
};

function describeTop(name: string, top: TopRate | undefined): void {
  if (top === undefined) {
    console.log(`${name.padEnd(20)} loses packets at every rate`);
    return;
  }
  const { sent, passing, cpuSeconds } = top.probe;
  const limit = top.isSenderLimited ? ', which is all that the senders can' : '';
  console.log(
    `${name.padEnd(20)} ${kilo(top.rate)} without loss${limit}; ${(100 * (passing / sent)).toFixed(1)} % pass the filter, ` +
      `${((cpuSeconds * 1e6) / sent).toFixed(2)} us of processor a frame`,
  );
}

const searchFloor = (): Promise<TopRate | undefined> =>
  topRate((tried) => probeFloor(options, own.rate > 0 ? own.rate : tried));

const floor = await searchFloor();
describeTop('bare libpcap loop', floor);
if (floor === undefined) throw new Error('The bare loop loses packets at every rate; there is no floor.');
const rate = own.rate > 0 ? own.rate : floor.rate / 2;

const claims = new Claims();
const sensor = await LoadedSensor.start({ filter, bufferBytes, isFromSource });
const path = join(sensor.folder, 'plants.pcap');
writePlants(path, Math.ceil((own.seconds * 1000) / plantMs));
const plants = { path, everyMs: plantMs };
if (own['warm-up'] > 0) {
  const warm = await sending({ ...options, rate, seconds: own['warm-up'] }).done;
  const { analysed: warmAnalysed } = await sensor.settled();
  console.log(
    `warm-up              ${warm.passing - warmAnalysed} of ${warm.passing} packets lost, not counted below`,
  );
}
const started = await sensor.settled();
const sent = await sending({ ...options, rate, seconds: own.seconds, plants }).done;
const counts = await sensor.settled();

/* A sensor that has just been measured goes on: as a real one would, it has its tables full. */
async function probeSensor(probeRate: number): ReturnType<typeof probeFloor> {
  const before = await sensor.settled();
  const traffic = await sending({ ...options, rate: probeRate }).done;
  const after = await sensor.settled();
  return {
    ...traffic,
    lost: traffic.passing - grown(before, after, 'analysed') + grown(before, after, 'recordsDropped'),
    cpuSeconds: grown(before, after, 'cpuSeconds'),
  };
}

const top = own.rate > 0 ? undefined : await topRate(probeSensor);
if (own.rate === 0) describeTop('copperhull run', top);
const exitCode = await sensor.stop();
// Others may have used the machine meanwhile: the loop is asked again, and its better rate counts.
const floorAfter = own.rate > 0 ? undefined : await searchFloor();
if (own.rate === 0) describeTop('loop, afterwards', floorAfter);
const floorRate = Math.max(floor.rate, floorAfter?.rate ?? 0);
const { missing, extra } = judgePlants(sent.plantedAtMs.length, sensor.records('notice'));
const { tunnels, flows, alerts, mostLagSeconds } = sensor.totals();

const analysed = grown(started, counts, 'analysed');
const dropped = grown(started, counts, 'dropped');
const records = grown(started, counts, 'recordsDropped');
const sentRate = sent.sent / sent.seconds;
const share = sentRate / floorRate;
console.log(
  `\nunder load           ${kilo(sentRate)} for ${sent.seconds.toFixed(0)} s, ${share.toFixed(2)} of the bare loop; ` +
    `${((grown(started, counts, 'cpuSeconds') * 1e6) / sent.sent).toFixed(2)} us of processor a frame`,
);
console.log(
  `whole run            ${tunnels} tunnels, ${flows} inner flows, ${alerts} alerts, at most ${mostLagSeconds.toFixed(2)} s behind the wire`,
);
if (top !== undefined)
  console.log(
    `ratio                ${(top.rate / floorRate).toFixed(2)} of the bare loop's highest rate without loss`,
  );
console.log('');
if (own.rate === 0)
  claims.check(
    'the rate was half of what the bare loop can',
    share >= 0.45,
    `${share.toFixed(2)} of it${share < 0.45 ? '; take it again while nobody else uses the machine' : ''}`,
  );
claims.check(
  'sent = captured and analysed',
  sent.passing === analysed,
  `${sent.passing} of the sent frames pass the filter, ${analysed} were analysed`,
);
claims.check(
  'nothing was dropped',
  dropped === 0 && records === 0,
  `${dropped} packets (kernel ${grown(started, counts, 'kernelDrops')}, slabs full ${grown(started, counts, 'ringFull')}), ${records} records`,
);
claims.check(
  'each planted positive was alerted once',
  sent.plantedAtMs.length > 0 && missing.length === 0 && extra === 0,
  `${sent.plantedAtMs.length} planted, ${missing.length} missing, ${extra} too many`,
);
claims.check('the sensor ended well', exitCode === 0, `exit code ${exitCode}`);
if (process.exitCode === 1) console.log(`\nconfiguration and logs are kept in ${sensor.folder}`);
else sensor.remove();

function grown(before: CaptureCounts, after: CaptureCounts, key: keyof CaptureCounts): number {
  return after[key] - before[key];
}
