import { Option } from 'commander';
import { DEFAULT_MAX_DEPTH, DEFAULT_VXLAN_PORTS } from '../sensor/replay.js';
import type { Prefix } from '../wire/address.js';
import type { MirrorTransport } from '../wire/mirror-transport.js';
import { MIRROR_TRANSPORTS } from '../wire/mirror-transport.js';
import type { SixrdDomain } from '../wire/embedded-address.js';
import { collectPort, collectPrefix, collectSixrd, repeatable, wholeNumber } from './options.js';

/** What packets are judged by, for commands that read captures. */
export interface AnalysisFlags {
  readonly localNet: readonly Prefix[];
  readonly vantage: 'inside' | 'outside' | 'auto';
  readonly '6rd': readonly SixrdDomain[];
  readonly maxDepth: number;
  readonly vxlanPort: readonly number[];
  readonly mirrorTransport?: readonly MirrorTransport[];
}

/** The options of {@link AnalysisFlags}. */
export function analysisOptions(): Option[] {
  return [
    repeatable('--local-net <prefix>', 'network inside your site, beside private space', collectPrefix),
    new Option('--vantage <side>', 'side of the NAT that the capture shows')
      .choices(['auto', 'inside', 'outside'])
      .default('auto'),
    repeatable('--6rd <domain>', "a provider's 6rd domain, PREFIX/LENGTH[,MASKLENGTH]", collectSixrd),
    new Option('--max-depth <n>', 'nested tunnels that are opened')
      .argParser(wholeNumber(1, 16))
      .default(DEFAULT_MAX_DEPTH),
    repeatable('--vxlan-port <port>', 'UDP port of VXLAN', collectPort, '4789'),
    new Option(
      '--mirror-transport <name...>',
      'what brings a mirror port here; unwrapped, and no tunnel',
    ).choices(MIRROR_TRANSPORTS),
  ];
}

/** VXLAN ports that were named, or the default ones. */
export function vxlanPortsOf(flags: AnalysisFlags): readonly number[] {
  return flags.vxlanPort.length > 0 ? flags.vxlanPort : DEFAULT_VXLAN_PORTS;
}
