import type { Endpoint } from '../intel/endpoint-list.js';
import { formatIpv4 } from '../wire/address.js';
import { IPV4_SCOPE, ipv4Scope } from '../wire/ipv4-space.js';

export interface AddressVerdict {
  readonly level: 'info' | 'good' | 'bad';
  readonly text: string;
}

/** The outer header's address, and port where there is one. */
export interface OuterEndpoint {
  readonly v4: number;
  readonly port: number | undefined;
}

export const SCOPE_NAMES: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(IPV4_SCOPE).map(([name, number]) => [number, name]),
);

export function scopeVerdicts(what: string, v4: number): AddressVerdict[] {
  const scope = ipv4Scope(v4);
  if (scope === IPV4_SCOPE.global) return [];
  const text = `the ${what} ${formatIpv4(v4)} is no public unicast address (${SCOPE_NAMES[scope]!})`;
  return [scope === IPV4_SCOPE.anycast6to4 ? info(text) : bad(text)];
}

export function intelVerdicts(what: string, endpoint: Endpoint | undefined): AddressVerdict[] {
  if (endpoint === undefined) return [];
  const text = `${what} is listed: ${endpoint.name}, ${endpoint.role}, ${endpoint.status} (${endpoint.source}; last checked ${endpoint.lastChecked})`;
  return [
    endpoint.status === 'alive' || endpoint.status === 'limited' || endpoint.status === 'unknown'
      ? info(text)
      : bad(text),
  ];
}

/*
 * Compares an embedded address (and port) with the outer header. When only the raw, not inverted form matches, someone
 * forgot the XOR: the sender when it wrote the address, or the reader who compared by hand.
 */
export function outerVerdicts(
  v4: number,
  port: number | undefined,
  rawV4: number,
  rawPort: number,
  outer: OuterEndpoint | undefined,
): AddressVerdict[] {
  if (outer === undefined) return [];
  const outerText = formatIpv4(outer.v4);
  const isInverted = port !== undefined;
  if (v4 === outer.v4) {
    if (!isInverted || outer.port === undefined || outer.port === port)
      return [good(`the outer address ${outerText} is the embedded one`)];
    if (outer.port === rawPort) {
      return [
        bad(
          `the address matches, but the outer port ${outer.port} equals the port as it stands: whoever made the address forgot to invert the port`,
        ),
      ];
    }
    return [
      info(
        `the outer address ${outerText} is the embedded one, the port differs (${outer.port}, embedded ${port}): a symmetric NAT does that`,
      ),
    ];
  }
  if (rawV4 === outer.v4) {
    return isInverted
      ? [
          bad(
            `the outer address ${outerText} equals the embedded one only as it stands, not inverted: whoever made the address forgot the XOR; the client that it names is ${formatIpv4(v4)}`,
          ),
        ]
      : [
          bad(
            `the outer address ${outerText} equals the embedded one only when inverted: this form is not inverted, someone applied the XOR of Teredo`,
          ),
        ];
  }
  const scope = ipv4Scope(outer.v4);
  if (scope === IPV4_SCOPE.private || scope === IPV4_SCOPE.cgn) {
    return [
      info(
        `the outer address ${outerText} is private, the embedded one ${formatIpv4(v4)}: inside a NAT this says nothing`,
      ),
    ];
  }
  return [
    bad(
      `the outer address ${outerText} is not the embedded one (${formatIpv4(v4)}): forged, misdelivered or stale`,
    ),
  ];
}

export function good(text: string): AddressVerdict {
  return { level: 'good', text };
}

export function bad(text: string): AddressVerdict {
  return { level: 'bad', text };
}

export function info(text: string): AddressVerdict {
  return { level: 'info', text };
}
