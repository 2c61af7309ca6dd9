import { isIPv4, isIPv6 } from 'node:net';
import type { LayerSpec, LayerSpecName } from '../wire/packet-builder.js';
import type { Diagnostic } from '../yaml/diagnostic.js';
import { suggestion } from '../yaml/nearest-name.js';
import type { YamlFile, YamlPath } from '../yaml/yaml-file.js';

/*
 * Packets in rule tests: a list of layers, each a name, or a name with its fields:
 *
 *     - [ipv4: { src: 203.0.113.5, dst: 198.51.100.7 }, ipv6: { src: "::1", dst: "::2" }, dstopts, tcp: { dst: 6667 }]
 */
type Kind = 'ipv4' | 'ipv6' | 'u8' | 'u16' | 'number' | 'text' | 'flag' | 'hex' | 'mac' | 'origin' | 'auth';

/** Layers of packets in rule tests, and what each may say. */
export const LAYERS: Readonly<Record<LayerSpecName, Readonly<Record<string, Kind>>>> = {
  eth: { src: 'mac', dst: 'mac', type: 'u16' },
  vlan: { id: 'number', tpid: 'u16' },
  pppoe: { session: 'u16' },
  ipv4: {
    src: 'ipv4',
    dst: 'ipv4',
    ttl: 'u8',
    protocol: 'u8',
    id: 'number',
    totalLength: 'u16',
    fragment: 'u16',
    options: 'hex',
  },
  ipv6: {
    src: 'ipv6',
    dst: 'ipv6',
    hopLimit: 'u8',
    nextHeader: 'u8',
    payloadLength: 'u16',
    flowLabel: 'number',
  },
  hopopts: { length: 'number', options: 'hex' },
  dstopts: { length: 'number', options: 'hex' },
  routing: { type: 'u8', segmentsLeft: 'u8', length: 'number' },
  fragment: { offset: 'u16', more: 'flag', id: 'number', nextHeader: 'u8' },
  udp: { src: 'u16', dst: 'u16', length: 'number', checksum: 'u16' },
  tcp: { src: 'u16', dst: 'u16', flags: 'text', seq: 'number', ack: 'number', checksum: 'u16' },
  icmpv6: { type: 'u8', code: 'u8', checksum: 'u16' },
  icmp: { type: 'u8', code: 'u8', checksum: 'u16' },
  teredo: { auth: 'auth', origin: 'origin', trailer: 'hex' },
  gre: { protocol: 'u16', key: 'number', flags: 'number' },
  erspan: { type: 'number', truncated: 'flag', subheader: 'flag', kept: 'number' },
  vxlan: { vni: 'number' },
  payload: { bytes: 'hex' },
};

const DEFAULTS: Readonly<Partial<Record<LayerSpecName, object>>> = {
  udp: { src: 40_000, dst: 40_001 },
  tcp: { src: 40_000, dst: 40_001 },
  icmpv6: { type: 128 },
  icmp: { type: 8 },
  vxlan: { vni: 1 },
};

/** What a layer must say. */
export const REQUIRED: Readonly<Partial<Record<LayerSpecName, readonly string[]>>> = {
  vlan: ['id'],
  ipv4: ['src', 'dst'],
  ipv6: ['src', 'dst'],
  payload: ['bytes'],
};

/** Reads the layers of one packet. Mistakes are added to `diagnostics`. */
export function packetSpec(
  file: YamlFile,
  path: YamlPath,
  raw: readonly unknown[],
  diagnostics: Diagnostic[],
): LayerSpec[] {
  return raw.flatMap((item, i) => {
    const at = [...path, i];
    const [name, fields] = layerOf(item);
    const known = Object.hasOwn(LAYERS, name) ? LAYERS[name as LayerSpecName] : undefined;
    if (known === undefined) {
      diagnostics.push(
        file.diagnose(at, `there is no layer "${name}"${suggestion(name, Object.keys(LAYERS))}`),
      );
      return [];
    }
    const values: Record<string, unknown> = { layer: name, ...DEFAULTS[name as LayerSpecName] };
    for (const [key, value] of Object.entries(fields)) {
      const kind = Object.hasOwn(known, key) ? known[key] : undefined;
      const read = kind === undefined ? undefined : readValue(kind, value);
      if (kind === undefined) {
        diagnostics.push(
          file.diagnose(
            [...at, name, key],
            `${name} has no "${key}"${suggestion(key, Object.keys(known))}; it has ${Object.keys(known).join(', ')}`,
            true,
          ),
        );
      } else if (read === undefined) {
        diagnostics.push(file.diagnose([...at, name, key], `"${key}" of ${name} must be ${WANTED[kind]}`));
      } else values[key] = read;
    }
    for (const key of REQUIRED[name as LayerSpecName] ?? []) {
      if (values[key] === undefined) diagnostics.push(file.diagnose(at, `${name} needs "${key}"`));
    }
    return [values as unknown as LayerSpec];
  });
}

/* A bare name, or a map of one name to its fields. */
function layerOf(item: unknown): readonly [name: string, fields: Readonly<Record<string, unknown>>] {
  if (typeof item === 'string') return [item, {}];
  const [name = '', fields] = Object.entries(asRecord(item))[0] ?? [];
  return [name, asRecord(fields)];
}

const WANTED: Readonly<Record<Kind, string>> = {
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
  u8: 'a number from 0 to 255',
  u16: 'a number from 0 to 65535',
  number: 'a number from 0 to 4294967295',
  text: 'a text',
  flag: 'true or false',
  hex: 'octets in hex',
  mac: 'a MAC address',
  origin: '{ address: IPv4, port: number }',
  auth: '{ id: hex, value: hex, nonce: hex of 8 octets, confirmation: number }',
};

function upTo(value: unknown, most: number): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most
    ? value
    : undefined;
}

function readValue(kind: Kind, value: unknown): unknown {
  switch (kind) {
    case 'ipv4':
      return typeof value === 'string' && isIPv4(value) ? value : undefined;
    case 'ipv6':
      return typeof value === 'string' && isIPv6(value) ? value : undefined;
    case 'number':
      return upTo(value, 0xffff_ffff);
    case 'u8':
      return upTo(value, 0xff);
    case 'u16':
      return upTo(value, 0xffff);
    case 'text':
      return typeof value === 'string' ? value : undefined;
    case 'flag':
      return typeof value === 'boolean' ? value : undefined;
    case 'mac':
      return typeof value === 'string' && /^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$/.test(value)
        ? value
        : undefined;
    case 'hex':
      return readHex(value);
    case 'origin': {
      const { address, port } = asRecord(value);
      const good = typeof address === 'string' && isIPv4(address) && typeof port === 'number';
      return good ? { address, port } : undefined;
    }
    case 'auth':
      return readAuth(asRecord(value));
  }
}

function readAuth(raw: Readonly<Record<string, unknown>>): unknown {
  const nonce = raw['nonce'] === undefined ? undefined : readHex(raw['nonce']);
  if (raw['nonce'] !== undefined && nonce?.length !== 8) return undefined;
  return {
    ...(raw['id'] === undefined ? {} : { id: readHex(raw['id']) ?? new Uint8Array(0) }),
    ...(raw['value'] === undefined ? {} : { value: readHex(raw['value']) ?? new Uint8Array(0) }),
    ...(nonce === undefined ? {} : { nonce: Buffer.from(nonce).readBigUInt64BE(0) }),
    ...(typeof raw['confirmation'] === 'number' ? { confirmation: raw['confirmation'] } : {}),
  };
}

function readHex(value: unknown): Uint8Array | undefined {
  if (typeof value === 'number' && value === 0) return new Uint8Array(0);
  if (typeof value !== 'string' || !/^([0-9a-fA-F]{2}\s*)*$/.test(value)) return undefined;
  return Uint8Array.from(Buffer.from(value.replace(/\s/g, ''), 'hex'));
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {};
}
