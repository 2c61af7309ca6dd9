import type { LayerStack } from '../decode/layers.js';
import { FRAGMENT_BIT } from '../decode/layers.js';
import type { CheckResults } from '../model/checks.js';
import { CHECK } from '../model/checks.js';
import { CHECK_VALUE } from '../model/vocabulary.js';

const FAULTS =
  FRAGMENT_BIT.overlap |
  FRAGMENT_BIT.splitChain |
  FRAGMENT_BIT.nested |
  FRAGMENT_BIT.atomic |
  FRAGMENT_BIT.tiny;

/** Whether a check of its fragments is violated for a packet. */
export function hasFragmentFaults(stack: LayerStack): boolean {
  return (stack.fragments & FAULTS) !== 0;
}

/** X02-X06: how a packet was fragmented, around or in a tunnel. Said of its innermost tunnel. */
export function checkFragments(stack: LayerStack, out: CheckResults): void {
  const { fragments } = stack;
  // A fragment that waits for the rest says nothing yet.
  if (fragments === 0 || stack.fragmentLayer >= 0) return;
  const isAlone = (fragments & FRAGMENT_BIT.alone) !== 0;
  decide(CHECK.X02, fragments & FRAGMENT_BIT.overlap, isAlone, out);
  decide(CHECK.X03, fragments & FRAGMENT_BIT.splitChain, false, out);
  decide(CHECK.X04, fragments & FRAGMENT_BIT.nested, isAlone, out);
  decide(CHECK.X05, fragments & FRAGMENT_BIT.atomic, false, out);
  decide(CHECK.X06, fragments & FRAGMENT_BIT.tiny, isAlone, out);
}

/* Of a first fragment alone the rest is not known. */
function decide(check: number, fault: number, isOpen: boolean, out: CheckResults): void {
  const otherwise = isOpen ? CHECK_VALUE.undetermined : CHECK_VALUE.holds;
  out.set(check, fault !== 0 ? CHECK_VALUE.violated : otherwise);
}
