import { Command } from 'commander';
import { loadEndpoints } from '../sensor/load.js';
import { MAPPED_WORD, parseAddress } from '../wire/address.js';
import type { SixrdDomain } from '../wire/embedded-address.js';
import { explainAddress } from './address-explained.js';
import { explanationText } from './address-text.js';
import { CommandError, EXIT } from './exit-code.js';
import { collectSixrd } from './options.js';

interface AddressFlags {
  readonly '6rd': readonly SixrdDomain[];
  readonly outer?: string;
  readonly json?: true;
}

/** `copperhull address ADDRESS` */
export function addressCommand(): Command {
  return new Command('address')
    .description('Explain an IPv6 address: what it embeds, bit by bit, and what is known of it.')
    .argument('<address>', 'IPv6 address')
    .option(
      '--6rd <domain>',
      "a provider's 6rd domain, PREFIX/LENGTH[,MASKLENGTH] (repeatable)",
      collectSixrd,
      [],
    )
    .option('--outer <address[:port]>', 'outer IPv4 address (and port) to check the embedded one against')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ copperhull address 2001:0:4137:9e50:8000:f12a:b9c8:2815
  $ copperhull address 2001:0:4137:9e50:8000:f12a:b9c8:2815 --outer 70.55.215.234:3797
`,
    )
    .action(explain);
}

function explain(text: string, flags: AddressFlags): void {
  const words = parseAddress(text);
  if (words === undefined) throw new CommandError(`"${text}" is not an IP address.`, EXIT.usage);
  const outer = flags.outer === undefined ? undefined : parseOuter(flags.outer);
  const explanation = explainAddress(words, { endpoints: loadEndpoints(), sixrd: flags['6rd'], outer });
  process.stdout.write(
    flags.json === true ? `${JSON.stringify(explanation, undefined, 2)}\n` : explanationText(explanation),
  );
}

function parseOuter(text: string): { v4: number; port: number | undefined } {
  const [host = '', portText, ...rest] = text.split(':');
  const words = parseAddress(host);
  const port = portText === undefined ? undefined : Number(portText);
  const isPort =
    port === undefined || (Number.isInteger(port) && port >= 0 && port <= 65_535 && portText !== '');
  if (words?.[2] !== MAPPED_WORD || rest.length > 0 || !isPort) {
    throw new CommandError(
      `--outer takes an IPv4 address, or one with :port; "${text}" is neither.`,
      EXIT.usage,
    );
  }
  return { v4: words[3], port };
}
