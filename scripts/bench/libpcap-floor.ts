import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('libpcap-floor.c', import.meta.url));
const BINARY = fileURLToPath(new URL('../../.cache/bench/libpcap-floor', import.meta.url));

export interface FloorRun {
  readonly packets: number;
  readonly seconds: number;
}

/** The bare libpcap loop in C, built when it is not there; or the sentence that says why it cannot be had. */
export function libpcapFloor(): ((path: string) => FloorRun) | string {
  const reason = build();
  if (reason !== undefined) return reason;
  return (path) => {
    const [packets, , nanoseconds] = execFileSync(BINARY, [path], { encoding: 'utf8' })
      .split(' ')
      .map(Number);
    return { packets: packets!, seconds: nanoseconds! / 1e9 };
  };
}

function build(): string | undefined {
  if (existsSync(BINARY) && statSync(BINARY).mtimeMs >= statSync(SOURCE).mtimeMs) return undefined;
  mkdirSync(dirname(BINARY), { recursive: true });
  try {
    execFileSync('cc', ['-O2', '-o', BINARY, SOURCE, '-lpcap'], { stdio: ['ignore', 'ignore', 'pipe'] });
    return undefined;
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { readonly stderr?: Buffer };
    const why = code === 'ENOENT' ? 'there is no C compiler' : firstLine(stderr?.toString() ?? String(error));
    return `no libpcap floor: ${why}; install gcc and libpcap-dev to have it`;
  }
}

function firstLine(text: string): string {
  const lines = text.split('\n');
  return lines.find((line) => line.includes('error')) ?? lines[0]!;
}
