import type { LayerStack } from '../decode/layers.js';
import { LIMITED_BY } from '../decode/layers.js';
import type { VerdictName } from '../decode/verdicts.js';
import { VERDICT, VERDICTS, verdictName } from '../decode/verdicts.js';
import { TUNNEL_KINDS } from '../model/vocabulary.js';
import { ETHERTYPE } from '../wire/numbers.js';

const CARRIER_NAMES: ReadonlyMap<number, string> = new Map([
  [ETHERTYPE.ERSPAN_II, 'ERSPAN'],
  [ETHERTYPE.ERSPAN_III, 'ERSPAN'],
  [ETHERTYPE.PPTP_PPP, 'PPTP'],
]);
const OTHER_GRE = 'other GRE payload';

/** Name of a carrier that was seen and not opened, by its EtherType, port or protocol. */
export function carrierName(unopened: number): string {
  return CARRIER_NAMES.get(unopened) ?? OTHER_GRE;
}

/** What happened to the packets: plain numbers, read when someone asks. */
export class Counters {
  packets = 0;
  wireBytes = 0;
  /** Packets that at least one tunnel carried. */
  tunnelPackets = 0;
  /** Packets that ended for lack of captured octets (snap length). */
  cutBySnapLength = 0;
  /** Copies of a packet that a mirror of several ports shows again; counted in `packets` and nowhere else. */
  duplicates = 0;
  /** Packets of flows that were judged before, which were counted and not decoded. */
  undecoded = 0;
  /** Packets whose time was more than a second before the latest. */
  timeBackwards = 0;
  /** Headers and transports whose checksum was found wrong, in first packets of flows and packets of none. */
  badChecksums = 0;
  /** Packets of interfaces whose link type cannot be read. */
  unsupportedLinks = 0;
  readonly verdicts = new Float64Array(VERDICTS.length);
  readonly unopened = new Map<string, number>();
  readonly tunnelsByKind = new Float64Array(TUNNEL_KINDS.length);
  readonly alertsByRule = new Map<string, number>();
  readonly excepted = new Map<string, number>();
  readonly suppressedByRule = new Map<string, number>();
  weirds = 0;
  weirdsSampledOut = 0;

  /** Counts packets `[from, to)` of a batch, by their lengths on the wire. */
  countPackets(wireLength: Uint32Array, from: number, to: number): void {
    let bytes = 0;
    for (let i = from; i < to; i++) bytes += wireLength[i]!;
    this.packets += to - from;
    this.wireBytes += bytes;
  }

  /** Counts how a packet ended. */
  countEnd(stack: LayerStack): void {
    const { verdict, carrierComplaint } = stack;
    if (isCutComplaint(stack, carrierComplaint)) this.cutBySnapLength++;
    if (verdict === VERDICT.ok) return;
    if (stack.cutBySnapLength && isIncomplete(verdict)) {
      this.cutBySnapLength++;
      return;
    }
    this.verdicts[verdict] = this.verdicts[verdict]! + 1;
    if (verdict === VERDICT.unsupported_link_type) this.unsupportedLinks++;
    if (verdict === VERDICT.unsupported_carrier) {
      const name = carrierName(stack.unopened);
      this.unopened.set(name, (this.unopened.get(name) ?? 0) + 1);
    }
  }

  /** Packets by verdict, for the verdicts of the given families, most first. */
  byVerdict(families: ReadonlySet<string>): [VerdictName, number][] {
    const rows: [VerdictName, number][] = [];
    this.verdicts.forEach((count, verdict) => {
      if (count > 0 && families.has(VERDICTS[verdict]!.family)) rows.push([verdictName(verdict), count]);
    });
    return rows.sort((a, b) => b[1] - a[1]);
  }

  addTo(map: Map<string, number>, key: string, count = 1): void {
    map.set(key, (map.get(key) ?? 0) + count);
  }
}

/* What began like Teredo or VXLAN and was not captured far enough to tell. */
function isCutComplaint(stack: LayerStack, complaint: number): boolean {
  return isIncomplete(complaint) && stack.failedLimit === LIMITED_BY.snapLength;
}

const IS_INCOMPLETE = Uint8Array.from(VERDICTS, ({ family }) => (family === 'truncated' ? 1 : 0));

function isIncomplete(verdict: number): boolean {
  return IS_INCOMPLETE[verdict] === 1;
}
