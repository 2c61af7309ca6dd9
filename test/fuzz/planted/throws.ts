/* A fuzz target with a fault that is found only by keeping inputs that got further. */
const WANTED = Buffer.from('TEREDO');
let last = 0;

export const maxLength = 64;

export function fuzz(data: Buffer): void {
  last = 0;
  while (last < WANTED.length && data[last] === WANTED[last]) last++;
  if (last === WANTED.length) throw new Error(`a planted fault at ${data.length}`);
}

export function trait(): string {
  return String(last);
}

export function seeds(): Buffer[] {
  return [Buffer.from('nothing of the kind')];
}
