import { LoadedSensor, compile } from './loaded-sensor.js';
import { probeFloor } from './floor.js';
import { benchOptions, filterText } from './options.js';
import { Claims, kilo, printCorpus, printMachine } from './report.js';
import { makeCorpus, sending } from './traffic.js';
import type { InterfaceCounters } from './wire.js';
import { enterWire, interfaceCounters, TAP, WIRE } from './wire.js';

/*
 * Sends faster than the analysis can take, and accounts for every frame: what was sent is what was analysed and what was
 * dropped, each kind counted where it happened, without a gap. Root; veth pair in a network namespace of its own.
 *
 *     node --import tsx scripts/bench/live/overload.ts [--seconds 20] [--rate 0: no limit] [--tunnel-percent 40]
 *       [--frames 1000000] [--senders PROCESSORS] [--ring 4194304] [--filter none|auto] [--from-source]
 *       [--queue 8388608] [--rules 1000: rules that ask about every tunnel packet, to make the analysis slow]
 *       [--drops-needed 1: drops without which this was no overload]
 *
 * With `--filter auto`, what the kernel's filter leaves out is a further line: how many of the frames pass it is asked of
 * libpcap while sending. Ends with 1 when there is a gap, or when nothing was dropped.
 */
const { frames, tunnelPercent, senders, bufferBytes, filter, isFromSource, own } = benchOptions(
  { seconds: 20, rate: 0, ring: 4 * 1024 * 1024, queue: 8 * 1024 * 1024, rules: 1000, 'drops-needed': 1 },
  'none',
);
/* Rules that never find anything, and must be asked about every packet in a tunnel. */
function slowRules(count: number): string {
  return Array.from(
    { length: count },
    (_, i) => `- rule: slow-${i}
  rev: 1
  title: Slow
  on: packet
  severity: low
  status: test
  condition: packet.length == ${100_000 + i}
  note: TunnelAbuse::Slow
  message: never
  tests: [{ name: none, hex: ["00"], expect: [] }]
`,
  ).join('');
}

printMachine();
compile(isFromSource);
const corpus = makeCorpus(frames, tunnelPercent);
printCorpus(corpus);
console.log(
  `         filter ${filter}, ring of ${bufferBytes} octets, queue of ${own.queue}, ${own.rules} slow rules, ${senders} senders\n`,
);
enterWire();

const traffic = { corpus, senders, filter: filterText(filter), rate: own.rate };
const floor = await probeFloor({ ...traffic, bufferBytes, seconds: Math.min(3, own.seconds) }, own.rate);

const sensor = await LoadedSensor.start({
  filter,
  bufferBytes,
  queueBytes: own.queue,
  isFromSource,
  ...(own.rules > 0 && { ownRules: slowRules(own.rules) }),
});
const before = { wire: interfaceCounters(WIRE), tap: interfaceCounters(TAP) };
const sent = await sending({ ...traffic, seconds: own.seconds }).done;
await sensor.settled();
const after = { wire: interfaceCounters(WIRE), tap: interfaceCounters(TAP) };
const exitCode = await sensor.stop();
const totals = sensor.totals();

const grown = (end: 'wire' | 'tap', key: keyof InterfaceCounters): number =>
  after[end][key] - before[end][key];
const row = (what: string, count: number, source: string): void =>
  console.log(`${what.padEnd(34)}${String(count).padStart(12)}  ${source}`);

const refused = grown('wire', 'sendDrops');
const arrived = grown('tap', 'received');
const filtered = sent.sent - sent.passing;
// The addon reads the same counter from the interface; here it is the kernel's own.
const atInterface = grown('tap', 'receiveDrops');
const dropped = totals.kernelDrops + totals.ringFull + totals.unread;

row('sent', sent.sent, 'send-capture, frames that the kernel took');
row('- dropped between the interfaces', refused, `/proc/net/dev, ${WIRE} transmit drop`);
row('= arrived', arrived, `/proc/net/dev, ${TAP} receive packets`);
row('- dropped at the interface', atInterface, `/proc/net/dev, ${TAP} receive drop`);
row("- left out by the kernel's filter", filtered, 'libpcap in send-capture, of the frames sent');
row('= received', totals.received, 'stats.log, pkts_link');
row("- the kernel's ring was full", totals.kernelDrops, 'capture_loss.log, kernel_drops');
row('- all slabs were in use', totals.ringFull, 'capture_loss.log, ring_full_drops');
row('- unread at the end', totals.unread, 'capture_loss.log, unread_drops');
row('= analysed', totals.analysed, 'stats.log, pkts_proc');
const share = ((100 * dropped) / Math.max(1, totals.received)).toFixed(1);
console.log(
  `\nsent     ${kilo(sent.sent / sent.seconds)} for ${sent.seconds.toFixed(1)} s, ${share} % dropped`,
);
const lossOfFloor = ((100 * floor.lost) / Math.max(1, floor.passing)).toFixed(1);
console.log(`floor    the bare libpcap loop lost ${lossOfFloor} % at ${kilo(floor.sent / floor.seconds)}`);
const analysedRate = totals.analysed / sent.seconds;
const floorRate = (floor.passing - floor.lost) / floor.seconds;
console.log(
  `ratio    ${(analysedRate / floorRate).toFixed(2)} (${kilo(analysedRate)} analysed, ${kilo(floorRate)} counted by the loop)`,
);
console.log(
  `others   ${totals.recordsDropped} records dropped, behind by ${totals.mostLagSeconds.toFixed(2)} s at most\n`,
);

const claims = new Claims();
const gap = (parts: number, whole: number): string => `gap of ${whole - parts}`;
claims.check(
  'sent = dropped on the way + arrived',
  refused + arrived === sent.sent,
  gap(refused + arrived, sent.sent),
);
const expected = arrived - atInterface - filtered;
claims.check('arrived = left out + received', expected === totals.received, gap(totals.received, expected));
claims.check(
  'received = dropped + analysed',
  dropped + totals.analysed === totals.received,
  gap(dropped + totals.analysed, totals.received),
);
claims.check(
  'the sensor tells of no other drops',
  totals.interfaceDrops === atInterface,
  `${totals.interfaceDrops} at the interface`,
);
claims.check('it was an overload', dropped >= own['drops-needed'], `${dropped} dropped`);
claims.check('the sensor ended well', exitCode === 0, `exit code ${exitCode}`);
if (process.exitCode === 1) console.log(`\nconfiguration and logs are kept in ${sensor.folder}`);
else sensor.remove();
