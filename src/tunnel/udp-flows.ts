import type { LayerStack } from '../decode/layers.js';
import { IP, ROW } from '../decode/layers.js';
import type { UdpSession } from '../decode/zeek-udp.js';
import { BoundedTable, grown } from '../state/bounded-table.js';
import { ENDPOINT_WORDS, fillEndpoints } from './endpoint-key.js';
import { destinationPort, sourcePort } from './level.js';
import { looksLikeAnswerToZeek } from './likely-server-ports.js';

const STATE = { originatorIsHigh: 1, violated: 2, keptByOriginator: 4, keptByResponder: 8 } as const;
const BROADCAST = 0xffffffff;

type DatagramListener = (stack: LayerStack, ipLayer: number, udpLayer: number, now: number) => void;

/**
 * UDP flows as Zeek keeps them, for the strict profile: every datagram opens one, by its 5-tuple alone, inside tunnels and
 * outside. Who sent the first is the originator, unless only the sender's port looks like that of a server.
 */
export class UdpFlows implements UdpSession {
  #now = 0;
  responderPort = 0;
  readonly #table: BoundedTable;
  readonly #idleSeconds: number;
  readonly #onDatagram: DatagramListener;
  #state = new Uint8Array(0);
  #responderPort = new Uint16Array(0);
  #slot = -1;
  #isHigh = false;

  /** `onDatagram` is told of every datagram that is entered. */
  constructor(capacity: number, idleSeconds: number, onDatagram: DatagramListener) {
    this.#idleSeconds = idleSeconds;
    this.#onDatagram = onDatagram;
    this.#table = new BoundedTable({
      keyWords: ENDPOINT_WORDS,
      capacity,
      onGrow: (slots) => {
        this.#state = grown(this.#state, new Uint8Array(slots));
        this.#responderPort = grown(this.#responderPort, new Uint16Array(slots));
      },
    });
  }

  get size(): number {
    return this.#table.size;
  }

  get evictions(): number {
    return this.#table.evictions;
  }

  enter(stack: LayerStack, ipLayer: number, udpLayer: number): void {
    const now = this.#now;
    const source = sourcePort(stack, udpLayer);
    const destination = destinationPort(stack, udpLayer);
    let slot = this.#find(stack, ipLayer, source, destination);
    if (slot < 0) {
      slot = this.#table.insert(now);
      const isBroadcast = stack.word(ipLayer, IP.DST + 3) === BROADCAST;
      const isAnswer = !isBroadcast && looksLikeAnswerToZeek(source, destination);
      this.#state[slot] = this.#isHigh !== isAnswer ? STATE.originatorIsHigh : 0;
      this.#responderPort[slot] = isAnswer ? source : destination;
    } else {
      this.#table.touch(slot, now);
    }
    this.#onDatagram(stack, ipLayer, udpLayer, now);
    this.#slot = slot;
    this.responderPort = this.#responderPort[slot]!;
  }

  get isViolated(): boolean {
    return (this.#state[this.#slot]! & STATE.violated) !== 0;
  }

  get isConfirmed(): boolean {
    const both = STATE.keptByOriginator | STATE.keptByResponder;
    return (this.#state[this.#slot]! & both) === both;
  }

  violate(): void {
    this.#state[this.#slot]! |= STATE.violated;
  }

  keep(): void {
    const side = this.#isFromOpener(this.#slot) ? STATE.keptByOriginator : STATE.keptByResponder;
    this.#state[this.#slot]! |= side;
  }

  /** Whether the datagram at these layers comes from the originator of its flow. */
  isFromOpener(stack: LayerStack, ipLayer: number, udpLayer: number): boolean {
    const slot = this.#find(stack, ipLayer, sourcePort(stack, udpLayer), destinationPort(stack, udpLayer));
    return slot < 0 || this.#isFromOpener(slot);
  }

  /** Moves the time to `now` (seconds) and forgets flows that were silent for too long. */
  advance(now: number): void {
    this.#now = now;
    for (;;) {
      const slot = this.#table.oldest();
      if (slot < 0 || this.#table.lastActive(slot) > now - this.#idleSeconds) return;
      this.#table.remove(slot);
    }
  }

  #find(stack: LayerStack, ipLayer: number, source: number, destination: number): number {
    const row = ipLayer * ROW;
    const { key } = this.#table;
    this.#isHigh = fillEndpoints(key, stack.words, row + IP.SRC, row + IP.DST, source, destination);
    return this.#table.find();
  }

  #isFromOpener(slot: number): boolean {
    return this.#isHigh === ((this.#state[slot]! & STATE.originatorIsHigh) !== 0);
  }
}
