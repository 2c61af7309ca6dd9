/*
 * ICMP messages that come as question and answer. Zeek puts the type of one in `id.orig_p` and that of the other in
 * `id.resp_p`, so that both directions are one connection.
 */
const V6_PAIRS = [
  [128, 129],
  [130, 131],
  [133, 134],
  [135, 136],
  [139, 140],
  [144, 145],
] as const;
const V4_PAIRS = [
  [8, 0],
  [13, 14],
  [15, 16],
  [17, 18],
  [10, 9],
] as const;

const NONE = 256;
const V6 = counterparts(V6_PAIRS);
const V4 = counterparts(V4_PAIRS);

function counterparts(pairs: readonly (readonly [number, number])[]): Uint16Array {
  const table = new Uint16Array(256).fill(NONE);
  for (const [question, answer] of pairs) {
    table[question] = answer;
    table[answer] = question;
  }
  return table;
}

/** Counterpart type of an ICMP message, or its code when it has none. */
export function icmpCounterpart(isV6: boolean, type: number, code: number): number {
  const counterpart = (isV6 ? V6 : V4)[type]!;
  return counterpart === NONE ? code : counterpart;
}

/** Whether an ICMP type has a counterpart. */
export function hasIcmpCounterpart(isV6: boolean, type: number): boolean {
  return (isV6 ? V6 : V4)[type] !== NONE;
}
