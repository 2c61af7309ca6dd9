import type { AutoFilter } from './automatic-filter.js';

/** Compiles filters; libpcap does. Throws what libpcap says against a text. */
export interface FilterCompiler {
  /** Number of BPF instructions of a text, as compiled for a capture file of this link type. */
  countInstructions(text: string, linkType: number): number;
}

export interface FilterReport {
  readonly text: string;
  readonly instructions: number;
  /** Sentences; the filter works all the same. */
  readonly warnings: readonly string[];
}

/** Most instructions that the Linux kernel takes (BPF_MAXINSNS); libpcap then filters in this process, after copying. */
export const KERNEL_MAX_INSTRUCTIONS = 4096;

/** What `check` shows of a filter. */
export function reportFilter(filter: AutoFilter, linkType: number, compiler: FilterCompiler): FilterReport {
  const instructions = compiler.countInstructions(filter.text, linkType);
  const warnings = filter.hides.map((sentence) => `The capture filter hides: ${sentence}`);
  if (instructions > KERNEL_MAX_INSTRUCTIONS)
    warnings.push(
      `The capture filter has ${instructions} instructions and the kernel takes ${KERNEL_MAX_INSTRUCTIONS}; name fewer ports or carriers.`,
    );
  return { text: filter.text, instructions, warnings };
}
