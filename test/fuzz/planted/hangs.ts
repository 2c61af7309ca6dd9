/* A fuzz target that never comes back from an input that begins with an H. */
export const maxLength = 64;

export function fuzz(data: Buffer): void {
  while (data[0] === 0x48);
}

export function seeds(): Buffer[] {
  return [Buffer.from('GG')];
}
