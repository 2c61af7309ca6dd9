import type { WatchedPorts } from '../decode/plain-frame.js';
import { watchedPorts } from '../decode/plain-frame.js';
import type { Verdict } from '../decode/verdicts.js';
import { VERDICT } from '../decode/verdicts.js';
import type { TunnelTable, TunnelTableOptions } from '../tunnel/tunnel-table.js';
import { UdpFlows } from '../tunnel/udp-flows.js';
import type { WeirdEvent } from '../model/records.js';
import { weirdRecord } from '../zeek/weird-record.js';
import type { AnalysisOptions } from './analysis-options.js';
import { Checksums } from './checksums.js';
import type { Counters } from './counters.js';
import type { Identities } from './identities.js';
import { ExtendedTunnelLog } from './tunnel-log.js';
import type { TunnelLog } from './tunnel-log.js';
import { ExtendedWeirdLog } from './weird-log.js';
import type { WeirdLog } from './weird-log.js';
import { ZeekTunnelLog } from './zeek-tunnel-log.js';
import { ZeekWeirdLog } from './zeek-weird-log.js';

export const UDP_IDLE_SECONDS = 60;
const IP_IDLE_SECONDS = 3600;
/** Shorter than any tunnel's silence, so that a first fragment is judged while its tunnel is known. */
export const FRAGMENT_SECONDS = 30;

/* Zeek's Tunnel::max_depth, Tunnel::ip_tunnel_timeout and frag_timeout. */
const ZEEK_MAX_DEPTH = 4;
const ZEEK_IP_TUNNEL_SECONDS = 86_400;
const ZEEK_FRAGMENT_SECONDS = 300;

/** Where the profiles differ: all that an analysis asks its profile for. */
export interface ProfileParts {
  readonly maxDepth: number;
  /** UDP ports whose datagrams must be decoded. */
  readonly watched: WatchedPorts;
  /** All UDP flows, where datagrams are judged by them. */
  readonly udpFlows: UdpFlows | undefined;
  readonly tunnels: Pick<TunnelTableOptions, 'ipIdleSeconds' | 'identity' | 'isFromOpener'>;
  /** The same inner 5-tuple in two tunnels is one flow. */
  readonly acrossTunnels: boolean;
  readonly fragmentSeconds: number;
  /** Whether a first fragment whose rest never came is judged alone. */
  readonly judgesFirstFragments: boolean;
  /** Whether packets of flows that were judged are only counted, and copies that a mirror makes left out. */
  readonly takesShortcuts: boolean;
  /** What is said of a datagram of a known tunnel over UDP that holds no tunnel and that no decoder complained of. */
  readonly strayDatagram: Verdict;
  readonly makeLogs: (tunnels: TunnelTable, identities: Identities, counters: Counters) => ProfileLogs;
}

export interface ProfileLogs {
  readonly checksums: Checksums;
  readonly weirds: WeirdLog;
  readonly tunnelLog: TunnelLog;
}

/** The parts of the profile that the options name. `tunnels` is asked for when packets come, not before. */
export function profileParts(options: AnalysisOptions, tunnels: () => TunnelTable): ProfileParts {
  return options.profile === 'strict' ? strictParts(options, tunnels) : extendedParts(options);
}

function extendedParts(options: AnalysisOptions): ProfileParts {
  const { maxDepth, vxlanPorts, mirrorTransports, limits, sensor, emit } = options;
  return {
    maxDepth,
    watched: watchedPorts(vxlanPorts, mirrorTransports),
    udpFlows: undefined,
    tunnels: { ipIdleSeconds: IP_IDLE_SECONDS },
    acrossTunnels: false,
    fragmentSeconds: FRAGMENT_SECONDS,
    judgesFirstFragments: true,
    takesShortcuts: true,
    strayDatagram: VERDICT.not_teredo,
    makeLogs(table, identities, counters) {
      const write = (event: WeirdEvent): void => emit(weirdRecord(event));
      const weirds = new ExtendedWeirdLog(limits.weirdKeys, counters, sensor, write, identities);
      const checksums = new Checksums(options.checksums ?? 'auto', (scene, sender) =>
        weirds.reportOffload(scene, sender),
      );
      return { weirds, checksums, tunnelLog: new ExtendedTunnelLog(table, identities, sensor, emit) };
    },
  };
}

function strictParts(options: AnalysisOptions, tunnels: () => TunnelTable): ProfileParts {
  const { limits, sensor, emit } = options;
  const udpFlows = new UdpFlows(limits.flows, UDP_IDLE_SECONDS, (stack, ip, udp, now) =>
    tunnels().touchUdp(stack, ip, udp, now),
  );
  return {
    maxDepth: Math.min(options.maxDepth, ZEEK_MAX_DEPTH),
    // Every datagram belongs to a flow, and the first tells who opened it.
    watched: new Uint8Array(65_536).fill(1),
    udpFlows,
    tunnels: {
      ipIdleSeconds: ZEEK_IP_TUNNEL_SECONDS,
      identity: 'zeek',
      isFromOpener: (stack, ip, udp) => udpFlows.isFromOpener(stack, ip, udp),
    },
    acrossTunnels: true,
    fragmentSeconds: ZEEK_FRAGMENT_SECONDS,
    judgesFirstFragments: false,
    takesShortcuts: false,
    strayDatagram: VERDICT.ok,
    makeLogs(table, identities, counters) {
      const write = (event: WeirdEvent): void => emit(weirdRecord(event, 'strict'));
      const weirds = new ZeekWeirdLog(limits.weirdKeys, counters, sensor, write, identities);
      const tunnelLog = new ZeekTunnelLog({
        tunnels: table,
        identities,
        sensor,
        emit,
        onTooManyChanges: (scene, flow) => weirds.reportChanges(scene, flow),
      });
      // As `zeek -C`.
      return { weirds, tunnelLog, checksums: new Checksums('ignore', () => undefined) };
    },
  };
}
