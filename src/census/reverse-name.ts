import type { FrameView } from '../wire/frame.js';

/* RFC 3596 2.5: one label for each nibble, the last of the address first, then ip6.arpa. */
const NIBBLES = 32;
const POINTER = 0xc0;
const MAX_LABEL = 63;
/** RFC 1035 2.3.4. */
const MAX_NAME = 255;
/** Pointers lead strictly backwards, and no writer needs more than a few. */
const MAX_POINTERS = 16;
const LOWER_CASE = 0x20;
const SUFFIX = ['ip6', 'arpa'].map((label) => Array.from(label, (letter) => letter.charCodeAt(0)));

/** Offset behind the name at `at`, or -1 when it does not end before `end`. Pointers are not followed. */
export function skipName({ bytes }: FrameView, at: number, end: number): number {
  for (let here = at; here < end && here - at <= MAX_NAME;) {
    const length = bytes[here]!;
    if (length === 0) return here + 1;
    if (length >= POINTER) return here + 2 <= end ? here + 2 : -1;
    if (length > MAX_LABEL) return -1;
    here += 1 + length;
  }
  return -1;
}

/**
 * Reads names below `ip6.arpa` (RFC 3596 2.5), whole addresses or zones. Allocates nothing while it reads, follows
 * pointers (RFC 1035 4.1.4) only backwards, and reads nothing outside of the message.
 */
export class ReverseName {
  /** Words of the address that the last name stands for; the bits behind it are 0. */
  readonly words = new Uint32Array(4);
  readonly #nibbles = new Uint8Array(NIBBLES);

  /** Leading bits that the name at `at` of the message `[message, end)` says, into `words`; 0 when it is none. */
  read(frame: FrameView, at: number, end: number, message: number): number {
    const { bytes } = frame;
    let here = at;
    let lowest = at;
    let pointers = 0;
    let count = 0;
    let suffixes = 0;
    while (here < end) {
      const length = bytes[here]!;
      if (length >= POINTER) {
        if (here + 2 > end || ++pointers > MAX_POINTERS) return 0;
        const target = message + (((length & ~POINTER) << 8) | bytes[here + 1]!);
        if (target >= lowest) return 0;
        lowest = target;
        here = target;
        continue;
      }
      if (suffixes === SUFFIX.length) return length === 0 ? this.#fill(count) : 0;
      const next = here + 1 + length;
      if (next > end) return 0;
      if (length === 1 && suffixes === 0) {
        const nibble = hexValue(bytes[here + 1]!);
        if (nibble < 0 || count === NIBBLES) return 0;
        this.#nibbles[count++] = nibble;
      } else {
        if (count === 0 || !isLabel(frame, here, length, SUFFIX[suffixes]!)) return 0;
        suffixes++;
      }
      here = next;
    }
    return 0;
  }

  #fill(count: number): number {
    const { words } = this;
    words.fill(0);
    for (let i = 0; i < count; i++) {
      const nibble = this.#nibbles[count - 1 - i]!;
      words[i >>> 3]! |= nibble << (28 - 4 * (i & 7));
    }
    return 4 * count;
  }
}

/* Whether the label of so many octets at `at` is `wanted`, in small letters. */
function isLabel({ bytes }: FrameView, at: number, length: number, wanted: readonly number[]): boolean {
  if (length !== wanted.length) return false;
  for (let i = 0; i < length; i++) if (lowerCase(bytes[at + 1 + i]!) !== wanted[i]) return false;
  return true;
}

/* Of letters; digits stay what they are. */
function lowerCase(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet | LOWER_CASE : octet;
}

function hexValue(octet: number): number {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30;
  const letter = lowerCase(octet);
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
