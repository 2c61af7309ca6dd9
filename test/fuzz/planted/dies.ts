/* A fuzz target that ends the process on an input that begins with a D. */
export const maxLength = 64;

export function fuzz(data: Buffer): void {
  if (data[0] === 0x44) process.abort();
}

export function seeds(): Buffer[] {
  return [Buffer.from('EE')];
}
