import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A module of the sensor. */
interface Modules {
  readonly 'sensor/replay.js': typeof import('../../src/sensor/replay.js');
  readonly 'sensor/analysis.js': typeof import('../../src/sensor/analysis.js');
  readonly 'sensor/load.js': typeof import('../../src/sensor/load.js');
  readonly 'sink/files/file-sink.js': typeof import('../../src/sink/files/file-sink.js');
  readonly 'capture/capture-file.js': typeof import('../../src/capture/capture-file.js');
}

/** Compiles the sensor, so that what is measured is what is there. Throws when that fails. */
export function buildSensor(): void {
  const { status, stdout } = spawnSync('npx', ['tsc', '-p', 'tsconfig.build.json'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`The sensor does not compile: ${stdout}`);
}

/** A compiled module, as `bin/copperhull` loads it. From its source, tsx makes it about a tenth slower. */
export async function built<N extends keyof Modules>(name: N): Promise<Modules[N]> {
  return (await import(new URL(`../../dist/${name}`, import.meta.url).href)) as Modules[N];
}
