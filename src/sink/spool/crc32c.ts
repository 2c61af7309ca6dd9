/* CRC-32C (Castagnoli, RFC 3720 12.1), four octets a step ("slicing by 4"). Node has CRC-32 only. */
const POLYNOMIAL = 0x82f63b78;
const TABLE = new Uint32Array(4 * 256);
for (let i = 0; i < 256; i++) {
  let value = i;
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 0 ? value >>> 1 : (value >>> 1) ^ POLYNOMIAL;
  TABLE[i] = value;
}
for (let i = 0; i < 256; i++) {
  for (let slice = 1; slice < 4; slice++) {
    const before = TABLE[(slice - 1) * 256 + i]!;
    TABLE[slice * 256 + i] = (before >>> 8) ^ TABLE[before & 0xff]!;
  }
}

/** CRC-32C of `bytes[from, to)`. */
export function crc32c(bytes: Uint8Array, from: number, to: number): number {
  let crc = 0xffffffff;
  let i = from;
  for (const last = to - 4; i <= last; i += 4) {
    crc ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    crc =
      TABLE[768 + (crc & 0xff)]! ^
      TABLE[512 + ((crc >>> 8) & 0xff)]! ^
      TABLE[256 + ((crc >>> 16) & 0xff)]! ^
      TABLE[crc >>> 24]!;
  }
  for (; i < to; i++) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[i]!) & 0xff]!;
  return ~crc >>> 0;
}
