/* CRC-32C (Castagnoli, RFC 3720 12.1), eight octets a step ("slicing by 8"). Node has CRC-32 only. */
const POLYNOMIAL = 0x82f63b78;
const SLICES = Array.from({ length: 8 }, () => new Uint32Array(256));
const [T0, T1, T2, T3, T4, T5, T6, T7] = SLICES as unknown as readonly [
  ...(readonly [Uint32Array, Uint32Array, Uint32Array, Uint32Array]),
  ...(readonly [Uint32Array, Uint32Array, Uint32Array, Uint32Array]),
];
for (let i = 0; i < 256; i++) {
  let value = i;
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 0 ? value >>> 1 : (value >>> 1) ^ POLYNOMIAL;
  T0[i] = value;
}
for (let i = 0; i < 256; i++) {
  for (let slice = 1; slice < SLICES.length; slice++) {
    const before = SLICES[slice - 1]![i]!;
    SLICES[slice]![i] = (before >>> 8) ^ T0[before & 0xff]!;
  }
}

/** CRC-32C of `bytes[from, to)`. */
export function crc32c(bytes: Uint8Array, from: number, to: number): number {
  let crc = 0xffffffff;
  let i = from;
  for (const last = to - 8; i <= last; i += 8) {
    crc ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    crc =
      T7[crc & 0xff]! ^
      T6[(crc >>> 8) & 0xff]! ^
      T5[(crc >>> 16) & 0xff]! ^
      T4[crc >>> 24]! ^
      T3[bytes[i + 4]!]! ^
      T2[bytes[i + 5]!]! ^
      T1[bytes[i + 6]!]! ^
      T0[bytes[i + 7]!]!;
  }
  for (; i < to; i++) crc = (crc >>> 8) ^ T0[(crc ^ bytes[i]!) & 0xff]!;
  return ~crc >>> 0;
}
