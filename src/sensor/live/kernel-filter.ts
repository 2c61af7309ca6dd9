import { autoFilter } from '../../capture/filter/automatic-filter.js';
import { defaultNeeds } from '../../capture/filter/filter-needs.js';
import type { InterfaceConfig } from '../../config/definition/configuration.js';
import { FILTER_WORDS } from '../../config/definition/capture.js';
import type { AnalysisConfig } from './worker-messages.js';

/** What the kernel lets pass, and what is never seen for that, in sentences. */
export interface KernelFilter {
  readonly text: string;
  readonly hides: readonly string[];
}

/** The filter of an interface, for its link type (a LINKTYPE_ value). Throws a FilterError. */
export function kernelFilter(
  { filter, userFilter }: InterfaceConfig,
  { capture, vxlanPorts }: Pick<AnalysisConfig, 'capture' | 'vxlanPorts'>,
  linkType: number,
): KernelFilter {
  if (filter === FILTER_WORDS.none) return { text: '', hides: [] };
  if (filter !== FILTER_WORDS.automatic)
    return { text: filter, hides: ['Whatever the filter does not match, which is your own.'] };
  const { text, hides } = autoFilter({
    ...defaultNeeds(linkType),
    vxlanPorts,
    carriers: capture.carriers,
    ...(userFilter !== undefined && { userBpf: userFilter }),
  });
  return { text, hides };
}
