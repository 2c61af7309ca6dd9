/**
 * How a mirror port may be carried to the sensor beside ERSPAN, each an Ethernet frame inside something that is also used
 * for other ends. So they are the transport of a mirror only where somebody says so.
 */
export const MIRROR_TRANSPORTS = ['tzsp', 'vxlan', 'geneve', 'gre'] as const;
export type MirrorTransport = (typeof MIRROR_TRANSPORTS)[number];
