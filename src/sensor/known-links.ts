import { CaptureError } from '../capture/capture-error.js';
import type { CaptureInterface } from '../capture/packet-batch.js';
import { LINK_TYPE } from '../wire/numbers.js';

const SUPPORTED_LINKS: ReadonlySet<number> = new Set(Object.values(LINK_TYPE));

/**
 * Refuses a capture all of whose interfaces have link types that cannot be read, with a CaptureError; in a mixed one the
 * packets of such an interface are counted.
 */
export function refuseUnknownLinks(interfaces: readonly CaptureInterface[]): void {
  for (const { linkType, origin } of interfaces) {
    if (SUPPORTED_LINKS.has(linkType)) continue;
    const others = interfaces.filter((other) => other.origin === origin);
    if (others.some((other) => SUPPORTED_LINKS.has(other.linkType))) continue;
    throw new CaptureError(
      'unsupported-link-type',
      `${origin} has link type ${linkType}, which is not supported; Ethernet, Linux cooked, BSD loopback and raw IP are.`,
    );
  }
}
