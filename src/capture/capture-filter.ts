import { LINK_TYPE } from '../wire/numbers.js';
import type { NativeAddon } from './native-addon.js';
import { loadAddon } from './native-addon.js';

/** What libpcap makes of a filter: a number of kernel instructions, or its complaint. */
export type CompiledFilter =
  | { readonly instructions: number; readonly complaint?: never }
  | { readonly instructions?: never; readonly complaint: string };

/**
 * Compiles a filter without an interface. `vlan` compiles to other code on a live Ethernet interface, whose tags the kernel
 * keeps beside the packet; `LiveCapture.countInstructions` tells about that. Throws a CaptureError `no-driver`.
 */
export function compileFilter(
  text: string,
  linkType: number = LINK_TYPE.ETHERNET,
  snaplen = 65_535,
  addon: NativeAddon = loadAddon(),
): CompiledFilter {
  try {
    return { instructions: addon.compileFilter(text, linkType, snaplen) };
  } catch (error) {
    if (error instanceof Error && (error as NodeJS.ErrnoException).code === 'bad-filter') {
      return { complaint: error.message };
    }
    throw error;
  }
}
