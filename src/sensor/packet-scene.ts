import type { LayerStack } from '../decode/layers.js';
import { ETH, LAYER, MAX_ENCAPSULATIONS, VLAN } from '../decode/layers.js';
import { formatMac } from '../wire/address.js';
import type { PacketReference, PacketTime } from '../model/records.js';

const NONE = -1;

/**
 * The packet at hand: where it was captured, its layers, and what each of its encapsulations turned out to be. One
 * object, filled again for every packet that a tunnel carries.
 */
export class PacketScene implements PacketTime {
  readonly stack: LayerStack;
  seconds = 0;
  nanoseconds = 0;
  /** Frame number in its file, from 1. */
  number = 0;
  captureFile = '';
  wireLength = 0;
  readonly tunnel = new Int32Array(MAX_ENCAPSULATIONS).fill(NONE);
  readonly flow = new Int32Array(MAX_ENCAPSULATIONS).fill(NONE);
  readonly innerIp = new Int8Array(MAX_ENCAPSULATIONS).fill(NONE);
  readonly transport = new Int8Array(MAX_ENCAPSULATIONS).fill(NONE);
  readonly teredoClass = new Uint8Array(MAX_ENCAPSULATIONS);
  /** 1 when the packet comes from the tunnel's originator. */
  readonly fromOriginator = new Uint8Array(MAX_ENCAPSULATIONS);
  /** Encapsulations that are tunnels: those whose carried packet could be read. */
  levels = 0;
  /** Tunnel that the packet belongs to by its outer endpoints although it is no tunnel packet, or -1. */
  flowTunnel = NONE;

  constructor(stack: LayerStack) {
    this.stack = stack;
  }

  /** Says where and when the packet was captured. */
  place(seconds: number, nanoseconds: number, number: number, captureFile: string, wireLength: number): void {
    this.seconds = seconds;
    this.nanoseconds = nanoseconds;
    this.number = number;
    this.captureFile = captureFile;
    this.wireLength = wireLength;
  }

  /** The packet's time, or `now` (seconds) when that is later. */
  timeNotBefore(now: number): PacketTime {
    return this.seconds >= now ? this.time : { seconds: now, nanoseconds: 0 };
  }

  get time(): PacketTime {
    return { seconds: this.seconds, nanoseconds: this.nanoseconds };
  }

  /** Id of the first VLAN tag of the captured frame (`which` 0) or the second (1), or -1. */
  vlanId(which: number): number {
    const { stack } = this;
    let seen = 0;
    for (let layer = 0; layer < stack.count; layer++) {
      if (stack.kind[layer] === LAYER.vlan) {
        if (seen++ === which) return stack.word(layer, VLAN.ID);
      } else if (layer > 0) return NONE;
    }
    return NONE;
  }

  /** Whether the captured frame has MAC addresses. */
  get hasMac(): boolean {
    return this.stack.count > 0 && this.stack.kind[0] === LAYER.eth;
  }

  reference(fromOriginator: boolean): PacketReference {
    const { stack } = this;
    const vlan = [this.vlanId(0), this.vlanId(1)].filter((id) => id !== NONE);
    const source = this.hasMac
      ? formatMac(stack.word(0, ETH.SRC_HIGH), stack.word(0, ETH.SRC_LOW))
      : undefined;
    const destination = this.hasMac
      ? formatMac(stack.word(0, ETH.DST_HIGH), stack.word(0, ETH.DST_LOW))
      : undefined;
    return {
      captureFile: this.captureFile,
      packetNumber: this.number,
      isIncomplete: stack.incompleteFragment,
      vlan,
      origMac: fromOriginator ? source : destination,
      respMac: fromOriginator ? destination : source,
    };
  }
}
