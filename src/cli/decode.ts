import type { Writable } from 'node:stream';
import { Command } from 'commander';
import { createLog } from '../observe/log.js';
import { CaptureInspection } from '../sensor/inspect/capture-inspection.js';
import { loadEndpoints } from '../sensor/load.js';
import type { AnalysisFlags } from './analysis-options.js';
import { analysisOptions, siteOf, vxlanPortsOf } from './analysis-options.js';
import { packetText } from './decode-text.js';
import { CommandError, EXIT } from './exit-code.js';
import { wholeNumber } from './options.js';

interface DecodeFlags extends AnalysisFlags {
  readonly packet?: number;
  readonly hex?: true;
  readonly json?: true;
}

const MOST_PACKETS = 2 ** 53 - 1;
const CONTROL = /[\u007f-\u009f]/g;

/** `copperhull decode FILE` */
export function decodeCommand(): Command {
  const command = new Command('decode')
    .description('Show the layers of each packet, how its decoding ended, its tunnels and their checks.')
    .argument('<file>', 'pcap or pcapng file, also gzip-compressed; - for standard input')
    .option('--packet <n>', 'only this packet, counted from 1', wholeNumber(1, MOST_PACKETS))
    .option('-x, --hex', "show each layer's octets")
    .option('--json', 'print a JSON object a line for each packet');
  for (const option of analysisOptions()) command.addOption(option);
  return command
    .addHelpText(
      'after',
      `
Examples:
  $ copperhull decode --packet 12 -x capture.pcap
  $ copperhull decode --json capture.pcap | jq 'select(.checks.T07 == "violated") | .frame.number'
`,
    )
    .action(decode);
}

async function decode(path: string, flags: DecodeFlags): Promise<void> {
  if (flags.hex === true && flags.json === true)
    throw new CommandError('--json shows no octets; leave out --json or -x.', EXIT.usage);
  const output = new LineOutput(process.stdout);
  const inspection = await CaptureInspection.open(path, {
    site: siteOf(flags),
    sixrd: flags['6rd'],
    maxDepth: flags.maxDepth,
    vxlanPorts: vxlanPortsOf(flags),
    checksums: flags.checksums,
    mirrorTransports: flags.mirrorTransport,
    endpoints: loadEndpoints(),
  });
  try {
    let shown = 0;
    for await (const packet of inspection.shown(flags.packet)) {
      shown++;
      const text =
        flags.json === true ? jsonLine(packet.description) : packetText(packet, flags.hex === true);
      if (!(await output.write(text))) return;
    }
    const { cutShort, packets } = inspection;
    if (cutShort !== undefined) {
      createLog('warn', false).warn(
        `${cutShort.origin} ends in the middle of a packet at byte ${cutShort.byteOffset}; everything before it was shown.`,
      );
    }
    if (shown === 0 && flags.packet !== undefined) {
      throw new CommandError(
        `${path === '-' ? 'Standard input' : path} has ${packets} packets; there is no packet ${flags.packet}.`,
        EXIT.failed,
      );
    }
  } finally {
    await inspection.close();
  }
}

/* JSON leaves DEL and the C1 control characters as they are. */
function jsonLine(value: unknown): string {
  const text = JSON.stringify(value).replace(
    CONTROL,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${text}\n`;
}

/** Text on a stream, as fast as its reader takes it. */
class LineOutput {
  readonly #stream: Writable;
  #isReaderGone = false;

  constructor(stream: Writable) {
    this.#stream = stream;
    // Told by write(), too.
    stream.on('error', () => undefined);
  }

  /** False when the reader has closed the pipe (`| head`) and there is no use in more. */
  async write(text: string): Promise<boolean> {
    if (this.#isReaderGone) return false;
    await new Promise<void>((resolve, reject) => {
      this.#stream.write(text, (error) => {
        if (!error) resolve();
        else if ((error as NodeJS.ErrnoException).code === 'EPIPE') {
          this.#isReaderGone = true;
          resolve();
        } else {
          reject(new CommandError(`Standard output cannot be written: ${error.message}.`, EXIT.failed));
        }
      });
    });
    return !this.#isReaderGone;
  }
}
