import { FilterError } from './filter-error.js';

/** Longest filter of a user, in characters. */
export const MAX_USER_BPF = 4096;

/*
 * Words that move the place where all later words look (or look behind it), that loop, or that need the host's files.
 * libpcap's scanner knows them in either case.
 */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ...['vlan', 'mpls', 'pppoes', 'pppoed', 'geneve', 'vxlan'].map(
    (word) => [word, 'the automatic filter looks behind tags by itself, see capture.carriers'] as const,
  ),
  ['gateway', 'it depends on the name files of this host'],
  ['protochain', 'the kernel runs no filter with loops'],
]);

/** Words of libpcap's language: letters and digits, inside also points, hyphens and underscores. */
const WORD = /[a-z0-9](?:[-_.a-z0-9]*[.a-z0-9])?/gi;
/** Loads and arithmetic: what makes libpcap lose its place behind VLAN tags in live captures. */
const ARITHMETIC = /\[|\blen\b/i;
const CLOSES: Readonly<Record<string, string>> = { ')': '(', ']': '[' };

/**
 * Checks a user's filter and returns it trimmed, or undefined for an empty one. Whether libpcap takes it is for libpcap
 * to say; here is refused what would act on the filter around it. `behindTags` tells that it is asked behind VLAN tags too.
 * Throws a FilterError.
 */
export function checkUserBpf(text: string, behindTags: boolean): string | undefined {
  const bpf = text.trim();
  if (bpf === '') return undefined;
  if (bpf.length > MAX_USER_BPF)
    throw new FilterError(
      `The BPF beside the automatic filter has ${bpf.length} characters; shorten it to ${MAX_USER_BPF}.`,
    );
  if (!/^[\t\n\r\x20-\x7e]*$/.test(bpf))
    throw new FilterError(
      'The BPF beside the automatic filter holds characters that are not ASCII text; remove them.',
    );
  for (const [word] of bpf.matchAll(WORD)) {
    const why = REFUSED.get(word.toLowerCase());
    if (why !== undefined)
      throw new FilterError(`The BPF beside the automatic filter must not say "${word}": ${why}.`);
  }
  if (behindTags && ARITHMETIC.test(bpf))
    throw new FilterError(
      'The BPF beside the automatic filter must not use brackets or "len" where VLAN tags are expected: libpcap would lose its place; name hosts, nets, ports and protocols.',
    );
  if (!isBalanced(bpf))
    throw new FilterError(
      'The BPF beside the automatic filter has parentheses that do not match; mend them.',
    );
  return bpf.replace(/\s+/g, ' ');
}

function isBalanced(bpf: string): boolean {
  const open: string[] = [];
  for (const character of bpf) {
    if (character === '(' || character === '[') open.push(character);
    const opener = CLOSES[character];
    if (opener !== undefined && open.pop() !== opener) return false;
  }
  return open.length === 0;
}
