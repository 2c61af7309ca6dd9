/** Words that {@link fillEndpoints} writes: two addresses of four words and the two ports. */
export const ENDPOINT_WORDS = 9;

/**
 * Writes both ends of a packet, with addresses at `words[src..]` and `words[dst..]`, into the first words of a table's key,
 * the lower end first, so that both directions have one key. Returns whether the packet comes from the higher end.
 */
export function fillEndpoints(
  key: Uint32Array,
  words: Uint32Array,
  src: number,
  dst: number,
  source: number,
  destination: number,
): boolean {
  const isHigh = isAbove(words, src, dst, source, destination);
  const low = isHigh ? dst : src;
  const high = isHigh ? src : dst;
  key[0] = words[low]!;
  key[1] = words[low + 1]!;
  key[2] = words[low + 2]!;
  key[3] = words[low + 3]!;
  key[4] = words[high]!;
  key[5] = words[high + 1]!;
  key[6] = words[high + 2]!;
  key[7] = words[high + 3]!;
  key[8] = isHigh ? (destination << 16) | source : (source << 16) | destination;
  return isHigh;
}

/* Whether the endpoint with its address at `words[a..]` is above that at `words[b..]`. */
function isAbove(words: Uint32Array, a: number, b: number, portA: number, portB: number): boolean {
  if (words[a] !== words[b]) return words[a]! > words[b]!;
  if (words[a + 1] !== words[b + 1]) return words[a + 1]! > words[b + 1]!;
  if (words[a + 2] !== words[b + 2]) return words[a + 2]! > words[b + 2]!;
  if (words[a + 3] !== words[b + 3]) return words[a + 3]! > words[b + 3]!;
  return portA > portB;
}
