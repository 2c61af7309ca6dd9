import { setTimeout as pause } from 'node:timers/promises';
import { compile, LoadedSensor } from './loaded-sensor.js';
import { benchOptions } from './options.js';
import { Claims, printMachine } from './report.js';
import { enterWire } from './wire.js';

/*
 * Memory of a sensor that has nothing to do: `copperhull run` with all shipped rules on an interface without traffic. Root; veth
 * pair in a network namespace.
 *
 *     node --import tsx scripts/bench/live/idle.ts [--seconds 20] [--ring 33554432] [--from-source]
 */
const BUDGET_MB = 120;

const { seconds, bufferBytes, isFromSource } = benchOptions({ seconds: 20 }, 'auto');
printMachine();
compile(isFromSource);
enterWire();
const sensor = await LoadedSensor.start({ filter: 'auto', bufferBytes, isFromSource });
await pause(seconds * 1000);
const resident = sensor.residentBytes() / 1e6;
const ring = sensor.ringBytes() / 1e6;
const exitCode = await sensor.stop();

console.log(`resident       ${resident.toFixed(1)} MB after ${seconds} s`);
console.log(`of it the ring ${ring.toFixed(1)} MB of ${(bufferBytes / 1e6).toFixed(1)}`);
console.log(`besides it     ${(resident - ring).toFixed(1)} MB\n`);
const claims = new Claims();
claims.check(
  'the idle sensor is within its budget',
  resident - ring < BUDGET_MB,
  `${(resident - ring).toFixed(1)} of ${BUDGET_MB} MB`,
);
claims.check('the sensor ended well', exitCode === 0, `exit code ${exitCode}`);
