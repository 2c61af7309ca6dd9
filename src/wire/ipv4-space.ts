/**
 * Special-purpose IPv4 space (RFC 6890 registry and RFC 4380 5.2.4, RFC 3964 5.3.1). Scopes are small integers so that
 * the packet path compares numbers.
 */
export const IPV4_SCOPE = {
  global: 0,
  thisNetwork: 1,
  private: 2,
  cgn: 3,
  loopback: 4,
  linkLocal: 5,
  protocol: 6,
  documentation: 7,
  benchmark: 8,
  anycast6to4: 9,
  multicast: 10,
  reserved: 11,
  broadcast: 12,
} as const;

export type Ipv4Scope = (typeof IPV4_SCOPE)[keyof typeof IPV4_SCOPE];

/* First octets that hold more than one scope. */
const MIXED = 255;

/* Scope by first octet. Most are decided by it. */
const BY_FIRST_OCTET = Uint8Array.from({ length: 256 }, (_, octet) => {
  switch (octet) {
    case 0:
      return IPV4_SCOPE.thisNetwork;
    case 10:
      return IPV4_SCOPE.private;
    case 127:
      return IPV4_SCOPE.loopback;
    case 100:
    case 169:
    case 172:
    case 192:
    case 198:
    case 203:
    case 255:
      return MIXED;
    default:
      return octet < 224 ? IPV4_SCOPE.global : octet < 240 ? IPV4_SCOPE.multicast : IPV4_SCOPE.reserved;
  }
});

/** Scope of an IPv4 address. */
export function ipv4Scope(v4: number): Ipv4Scope {
  const scope = BY_FIRST_OCTET[v4 >>> 24]!;
  return scope === MIXED ? scopeInMixed(v4) : (scope as Ipv4Scope);
}

function scopeInMixed(v4: number): Ipv4Scope {
  const ab = v4 >>> 16;
  switch (v4 >>> 24) {
    case 100:
      return (ab & 0xffc0) === 0x6440 ? IPV4_SCOPE.cgn : IPV4_SCOPE.global;
    case 169:
      return ab === 0xa9fe ? IPV4_SCOPE.linkLocal : IPV4_SCOPE.global;
    case 172:
      return (ab & 0xfff0) === 0xac10 ? IPV4_SCOPE.private : IPV4_SCOPE.global;
    case 192:
      return scopeIn192(v4);
    case 198:
      if ((ab & 0xfffe) === 0xc612) return IPV4_SCOPE.benchmark;
      return v4 >>> 8 === 0xc63364 ? IPV4_SCOPE.documentation : IPV4_SCOPE.global;
    case 203:
      return v4 >>> 8 === 0xcb0071 ? IPV4_SCOPE.documentation : IPV4_SCOPE.global;
    default:
      return v4 >>> 0 === 0xffffffff ? IPV4_SCOPE.broadcast : IPV4_SCOPE.reserved;
  }
}

function scopeIn192(v4: number): Ipv4Scope {
  const abc = v4 >>> 8;
  if (v4 >>> 16 === 0xc0a8) return IPV4_SCOPE.private;
  if (abc === 0xc00000) return IPV4_SCOPE.protocol;
  if (abc === 0xc00002) return IPV4_SCOPE.documentation;
  if (abc === 0xc05863) return IPV4_SCOPE.anycast6to4;
  return IPV4_SCOPE.global;
}

/** Addresses that can be legitimate inside a site but never on the public side: private, shared (CGN), link-local. */
export function isSiteScope(scope: Ipv4Scope): boolean {
  return scope === IPV4_SCOPE.private || scope === IPV4_SCOPE.cgn || scope === IPV4_SCOPE.linkLocal;
}

/** Addresses that no tunnel endpoint can have, on either side of a NAT. */
export function isNeverEndpoint(scope: Ipv4Scope): boolean {
  return (
    scope === IPV4_SCOPE.thisNetwork ||
    scope === IPV4_SCOPE.loopback ||
    scope === IPV4_SCOPE.multicast ||
    scope === IPV4_SCOPE.reserved ||
    scope === IPV4_SCOPE.broadcast
  );
}
