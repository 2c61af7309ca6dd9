/**
 * What packets are taken for and what records hold: `extended` sees what Zeek misses and adds keys to Zeek's; `strict` is
 * what Zeek 8 sees and writes.
 */
export const PROFILES = ['extended', 'strict'] as const;
export type Profile = (typeof PROFILES)[number];
