import { InvalidArgumentError, Option } from 'commander';
import { DEFAULT_MAX_DEPTH, DEFAULT_VXLAN_PORTS } from '../sensor/replay.js';
import type { AnalysisOptions } from '../sensor/analysis.js';
import type { Prefix } from '../wire/address.js';
import type { MirrorTransport } from '../wire/mirror-transport.js';
import { MIRROR_TRANSPORTS } from '../wire/mirror-transport.js';
import type { SixrdDomain } from '../wire/embedded-address.js';
import { collectPort, collectPrefix, collectSixrd, repeatable, wholeNumber } from './options.js';

/** What decoders open, for commands that read captures. */
export interface DecodingFlags {
  readonly maxDepth: number;
  readonly vxlanPort: readonly number[];
  readonly mirrorTransport: readonly MirrorTransport[];
}

/** What packets are judged by, for commands that read captures. */
export interface AnalysisFlags extends DecodingFlags {
  readonly localNet: readonly Prefix[];
  readonly vantage: 'inside' | 'outside' | 'auto';
  readonly '6rd': readonly SixrdDomain[];
  readonly '6to4Relay': readonly Prefix[];
  readonly checksums: 'auto' | 'verify' | 'ignore';
}

/** The options of {@link AnalysisFlags}. */
export function analysisOptions(): Option[] {
  return [
    repeatable('--local-net <prefix>', 'network inside your site, beside private space', collectPrefix),
    new Option('--vantage <side>', 'side of the NAT that the capture shows')
      .choices(['auto', 'inside', 'outside'])
      .default('auto'),
    repeatable('--6rd <domain>', "a provider's 6rd domain, PREFIX/LENGTH[,MASKLENGTH[,RELAY]]", collectSixrd),
    repeatable('--6to4-relay <prefix>', '6to4 relay that may be used, beside 192.88.99.1', collectPrefix),
    new Option('--checksums <mode>', 'whether checksums of tunnel packets are verified')
      .choices(['auto', 'verify', 'ignore'])
      .default('auto'),
    ...decodingOptions(),
  ];
}

/** The options of {@link DecodingFlags}. */
export function decodingOptions(): Option[] {
  return [
    new Option('--max-depth <n>', 'nested tunnels that are opened')
      .argParser(wholeNumber(1, 16))
      .default(DEFAULT_MAX_DEPTH),
    repeatable('--vxlan-port <port>', 'UDP port of VXLAN', collectPort, '4789'),
    repeatable(
      '--mirror-transport <name>',
      `what brings a mirror port here (${MIRROR_TRANSPORTS.join(', ')}); unwrapped, and no tunnel`,
      collectMirrorTransport,
    ),
  ];
}

function collectMirrorTransport(text: string, before: readonly MirrorTransport[]): MirrorTransport[] {
  const known = MIRROR_TRANSPORTS.find((name) => name === text);
  if (known === undefined)
    throw new InvalidArgumentError(`It must be one of ${MIRROR_TRANSPORTS.join(', ')}.`);
  return [...before, known];
}

/** What the flags say of the site. */
export function siteOf(flags: AnalysisFlags): AnalysisOptions['site'] {
  return {
    localNetworks: flags.localNet,
    vantage: flags.vantage,
    sixtofourRelays: flags['6to4Relay'],
  };
}

/** VXLAN ports that were named, or the default ones. */
export function vxlanPortsOf(flags: DecodingFlags): readonly number[] {
  return flags.vxlanPort.length > 0 ? flags.vxlanPort : DEFAULT_VXLAN_PORTS;
}
