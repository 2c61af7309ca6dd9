import type { FrameView } from '../wire/frame.js';

/* RFC 4861 4.2, 4.6: fixed part, then options of type (1), length in units of 8 octets (1), value. */
const FIXED_LENGTH = 16;
const UNIT = 8;
const OPTION = { PREFIX: 3, MTU: 5 } as const;
const PREFIX_UNITS = 4;
const MTU_UNITS = 1;
/* Inside a prefix information option. */
const VALID_LIFETIME = 4;
const PREFERRED_LIFETIME = 8;
const PREFIX = 16;
const MTU_VALUE = 4;
const LEAST_MTU = 1280;

/** What the options of a router advertisement say. One object, filled again for each. */
export class AdvertisementOptions {
  /** Prefix information options, and the first 64 bits of the last one's prefix. */
  prefixes = 0;
  prefixHigh = 0;
  prefixLow = 0;
  /**
   * Whether there are only options that a Teredo server sends, with plausible values. Name servers and routes (types 25,
   * 31 and 24) never are among them, whatever their length.
   */
  areSane = true;

  /** Reads the ICMPv6 message at `[at, end)`, which must be whole. */
  read({ bytes, view }: FrameView, at: number, end: number): void {
    this.prefixes = 0;
    this.areSane = end - at >= FIXED_LENGTH;
    let here = at + FIXED_LENGTH;
    while (here < end) {
      const units = end - here < UNIT ? 0 : bytes[here + 1]!;
      // A length of 0, and an option past the end, make the message invalid (RFC 4861 6.1.2).
      if (units === 0 || here + units * UNIT > end) {
        this.areSane = false;
        return;
      }
      if (bytes[here] === OPTION.PREFIX && units === PREFIX_UNITS) {
        this.prefixes++;
        this.prefixHigh = view.getUint32(here + PREFIX);
        this.prefixLow = view.getUint32(here + PREFIX + 4);
        if (view.getUint32(here + PREFERRED_LIFETIME) > view.getUint32(here + VALID_LIFETIME))
          this.areSane = false;
      } else if (bytes[here] === OPTION.MTU && units === MTU_UNITS) {
        if (view.getUint32(here + MTU_VALUE) < LEAST_MTU) this.areSane = false;
      } else this.areSane = false;
      here += units * UNIT;
    }
  }
}
