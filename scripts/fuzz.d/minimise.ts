const MOST_TRIALS = 1_500;

/**
 * A smaller input that `isStillWrong` holds for: ranges cut out, then octets made zero, each as long as it goes on being
 * wrong. Bounded in trials, so the least is not promised.
 */
export async function minimised(
  input: Buffer,
  isStillWrong: (data: Buffer) => Promise<boolean>,
): Promise<Buffer> {
  let data = input;
  let trials = 0;
  const accepts = async (smaller: Buffer): Promise<boolean> => {
    if (trials++ >= MOST_TRIALS || !(await isStillWrong(smaller))) return false;
    data = smaller;
    return true;
  };
  for (let size = data.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < data.length;) {
      const isCut = await accepts(Buffer.concat([data.subarray(0, at), data.subarray(at + size)]));
      if (!isCut) at += size;
    }
  }
  for (let at = 0; at < data.length; at++) {
    if (data[at] === 0) continue;
    const zeroed = Buffer.from(data);
    zeroed[at] = 0;
    await accepts(zeroed);
  }
  return data;
}
