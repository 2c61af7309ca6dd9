import { communityId } from '../flow/community-id.js';
import type { FlowTable } from '../flow/flow-table.js';
import type { ConnectionId } from '../model/records.js';
import { TRANSPORT } from '../model/vocabulary.js';
import type { TunnelTable } from '../tunnel/tunnel-table.js';
import { formatAddress, MAPPED_WORD } from '../wire/address.js';
import { IP_PROTOCOL } from '../wire/numbers.js';
import { UID_KIND, UidMaker } from '../zeek/uid.js';

/** Turns slots of the tunnel and flow tables into what records say: endpoints, uid, Community ID. */
export class Identities {
  readonly #tunnels: TunnelTable;
  readonly #flows: FlowTable;
  readonly #uids: UidMaker;
  /** Of the tunnel that was asked about last: its log and its alerts ask one after the other. */
  #names: TunnelNames = { id: 0, uid: undefined, connection: undefined, communityId: undefined };

  constructor(tunnels: TunnelTable, flows: FlowTable, seed: number) {
    this.#tunnels = tunnels;
    this.#flows = flows;
    this.#uids = new UidMaker(seed);
  }

  tunnelUid(slot: number): string {
    const names = this.#namesOf(slot);
    if (names.uid === undefined) {
      const count = this.#tunnels.identity(slot, this.#uids.body);
      names.uid = this.#uids.make(UID_KIND.tunnel, count);
    }
    return names.uid;
  }

  flowUid(slot: number): string {
    const count = this.#flows.identity(slot, this.#uids.body);
    return this.#uids.make(UID_KIND.flow, count);
  }

  /** Writes two words at `words[at..]` that tell a tunnel from all others; nobody sees them. */
  tunnelIdentity(slot: number, words: Uint32Array, at: number): void {
    const { identityHigh, id } = this.#tunnels;
    words[at] = identityHigh[slot]!;
    words[at + 1] = id[slot]!;
  }

  /** The same of a flow. */
  flowIdentity(slot: number, words: Uint32Array, at: number): void {
    words[at] = 0;
    words[at + 1] = this.#flows.id[slot]!;
  }

  /** Identifier of an alert: rule, what it is about, and its time. */
  alertId(ruleHash: number, isFlow: boolean, slot: number, seconds: number, nanoseconds: number): string {
    const words = this.#uids.body;
    const table = isFlow ? this.#flows : this.#tunnels;
    let count = table.identity(slot, words);
    words[count++] = ruleHash;
    words[count++] = seconds;
    words[count++] = nanoseconds;
    words[count++] = isFlow ? 1 : 0;
    return this.#uids.make(UID_KIND.alert, count, 'A');
  }

  tunnelConnection(slot: number): ConnectionId {
    const names = this.#namesOf(slot);
    if (names.connection === undefined) {
      const table = this.#tunnels;
      const isUdp = table.isUdp(slot);
      names.connection = {
        origHost: hostText(table, slot, true),
        origPort: isUdp ? table.origPort[slot]! : 0,
        respHost: hostText(table, slot, false),
        respPort: isUdp ? table.respPort[slot]! : 0,
      };
    }
    return names.connection;
  }

  flowConnection(slot: number): ConnectionId {
    const table = this.#flows;
    return {
      origHost: hostText(table, slot, true),
      origPort: table.origPort[slot]!,
      respHost: hostText(table, slot, false),
      respPort: table.respPort[slot]!,
    };
  }

  /** Community ID of a tunnel's UDP connection; tunnels without ports have none that two tools would agree on. */
  tunnelCommunityId(slot: number): string | undefined {
    if (!this.#tunnels.isUdp(slot)) return undefined;
    const names = this.#namesOf(slot);
    names.communityId ??= communityIdOf(this.#tunnels, slot, IP_PROTOCOL.UDP);
    return names.communityId;
  }

  #namesOf(slot: number): TunnelNames {
    const id = this.#tunnels.id[slot]!;
    if (this.#names.id !== id) {
      this.#names = { id, uid: undefined, connection: undefined, communityId: undefined };
    }
    return this.#names;
  }

  flowCommunityId(slot: number): string | undefined {
    switch (this.#flows.transport[slot]) {
      case TRANSPORT.tcp:
        return communityIdOf(this.#flows, slot, IP_PROTOCOL.TCP);
      case TRANSPORT.udp:
        return communityIdOf(this.#flows, slot, IP_PROTOCOL.UDP);
      case TRANSPORT.icmp:
        return communityIdOf(this.#flows, slot, this.#isV4(slot) ? IP_PROTOCOL.ICMP : IP_PROTOCOL.ICMPV6);
      default:
        return undefined;
    }
  }

  #isV4(slot: number): boolean {
    return (
      this.#flows.endpointWord(slot, true, 0) === 0 && this.#flows.endpointWord(slot, true, 2) === MAPPED_WORD
    );
  }
}

/** What is said of one tunnel, as far as it was asked for. Tunnels are numbered from 1. */
interface TunnelNames {
  readonly id: number;
  uid: string | undefined;
  connection: ConnectionId | undefined;
  communityId: string | undefined;
}

interface EndpointTable {
  readonly origPort: Uint16Array;
  readonly respPort: Uint16Array;
  endpointWord(slot: number, originator: boolean, word: number): number;
}

function endpointWords(
  table: EndpointTable,
  slot: number,
  originator: boolean,
): [number, number, number, number] {
  return [
    table.endpointWord(slot, originator, 0),
    table.endpointWord(slot, originator, 1),
    table.endpointWord(slot, originator, 2),
    table.endpointWord(slot, originator, 3),
  ];
}

function hostText(table: EndpointTable, slot: number, originator: boolean): string {
  return formatAddress(
    table.endpointWord(slot, originator, 0),
    table.endpointWord(slot, originator, 1),
    table.endpointWord(slot, originator, 2),
    table.endpointWord(slot, originator, 3),
  );
}

function communityIdOf(table: EndpointTable, slot: number, protocol: number): string {
  return communityId({
    source: endpointWords(table, slot, true),
    destination: endpointWords(table, slot, false),
    protocol,
    sourcePort: table.origPort[slot]!,
    destinationPort: table.respPort[slot]!,
  });
}
