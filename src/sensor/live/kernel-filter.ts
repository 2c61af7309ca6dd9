import { autoFilter } from '../../capture/filter/automatic-filter.js';
import { LinkForm } from '../../capture/filter/link-form.js';
import { FILTER_WORDS } from '../../config/definition/capture.js';
import type { InterfaceConfig } from '../../config/definition/configuration.js';
import type { CaptureSurroundings } from './rule-needs.js';
import { blindRules, needsOf } from './rule-needs.js';

/** What the kernel lets pass, and what is never seen for that, in sentences. */
export interface KernelFilter {
  readonly text: string;
  readonly hides: readonly string[];
}

const NO_TEREDO =
  'Datagrams of a Teredo flow that are no Teredo. Zeek ends the tunnel at the first, and so does the strict profile where it sees them, with "filter: none".';

/** The filter of an interface, for its link type (a LINKTYPE_ value) and the loaded rules. Throws a FilterError. */
export function kernelFilter(
  { filter, userFilter }: InterfaceConfig,
  surroundings: CaptureSurroundings,
  linkType: number,
): KernelFilter {
  if (filter === FILTER_WORDS.none) return { text: '', hides: [] };
  if (filter !== FILTER_WORDS.automatic)
    return { text: filter, hides: ['Whatever the filter does not match, which is your own.'] };
  const needs = needsOf(linkType, surroundings);
  const { text, hides } = autoFilter({
    ...needs,
    ...(userFilter !== undefined && { userBpf: userFilter }),
  });
  return { text, hides: surroundings.profile === 'strict' ? [...hides, NO_TEREDO] : hides };
}

/** Loaded rules that the automatic filter of an interface keeps from ever matching, each in a sentence. */
export function rulesBehindFilter(
  { filter }: InterfaceConfig,
  surroundings: CaptureSurroundings,
  linkType: number,
): string[] {
  return filter === FILTER_WORDS.automatic ? blindRules(LinkForm.of(linkType), surroundings) : [];
}
