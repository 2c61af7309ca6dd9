import { CHECKS } from '../model/checks.js';
import { terminalText } from '../model/terminal-text.js';
import type { ShownPacket } from '../sensor/inspect/capture-inspection.js';
import type { LayerFields, LayerFieldValue } from '../sensor/inspect/layer-fields.js';
import type {
  LayerDescription,
  PacketDescription,
  TunnelDescription,
} from '../sensor/inspect/packet-description.js';
import { IP_PROTOCOL } from '../wire/numbers.js';

const OCTETS_A_ROW = 16;
const PROTOCOL_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(IP_PROTOCOL).map(([name, number]) => [number, name.toLowerCase()]),
);
/** Fields that are written in hexadecimal by custom, with their digits. */
const HEX_DIGITS: Readonly<Record<string, number>> = { type: 4, tpid: 4, checksum: 4, id: 4, flow_label: 5 };
const HEX_LAYERS: Readonly<Record<string, readonly string[]>> = {
  eth: ['type'],
  vlan: ['tpid'],
  ipv4: ['id'],
  ipv6: ['flow_label'],
  fragment: ['id'],
  udp: ['checksum'],
};
/** The header column says it. */
const UNSAID = new Set(['header_length']);
/** Fields whose zero says nothing. */
const QUIET_ZERO = new Set(['tos', 'fragment_offset', 'traffic_class', 'flow_label', 'version']);
/** What the line of a tunnel tells of it. */
const TUNNEL_LINE = ['direction', 'host', 'packets', 'bytes'];

/** A packet for people to read: its layers, a line each, how it ended, and what was found of its tunnels. */
export function packetText({ description, octets }: ShownPacket, withHex: boolean): string {
  const { layers } = description;
  const lines = [frameLine(description)];
  layers.forEach((layer, i) => {
    if (layer.in !== 'frame' && layers[i - 1]?.in !== layer.in) lines.push(`  in the ${layer.in}:`);
    lines.push(layerLine(layer));
    if (withHex) lines.push(...hexRows(layer, i === layers.length - 1, octets[i]));
  });
  lines.push(...endLines(description));
  for (const tunnel of description.tunnels) lines.push(...tunnelLines(tunnel));
  // The whole text once more: whatever a field holds, no control character of it reaches the terminal.
  return `${lines.map(terminalText).join('\n')}\n\n`;
}

function frameLine({ frame }: PacketDescription): string {
  const captured = frame.captured_length;
  const length =
    captured === null || captured === frame.wire_length
      ? `${frame.wire_length} octets`
      : `${captured} of ${frame.wire_length} octets`;
  const [seconds = '', decimals = ''] = frame.time.split('.');
  const time = `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${decimals}Z`;
  const marks = [
    ...(frame.reassembled ? ['completes a fragmented datagram'] : []),
    ...(frame.incomplete ? ['first fragment, judged alone: the rest never came'] : []),
    ...(frame.copy ? ['copy of an earlier packet, not judged'] : []),
  ];
  const place = frame.interface === '' ? frame.file : `${frame.file} (${frame.interface})`;
  return [`packet ${frame.number}`, time, length, place, ...marks].join('  ');
}

function layerLine({ layer, offset, header, fields }: LayerDescription): string {
  return `${String(offset).padStart(6)} +${String(header).padEnd(4)} ${layer.padEnd(9)} ${fieldsText(layer, fields)}`.trimEnd();
}

function fieldsText(layer: string, fields: LayerFields): string {
  const { src, dst, src_port: from, dst_port: to, ...others } = fields;
  const parts: string[] = [];
  if (src !== undefined) parts.push(dst === undefined ? `from ${text(src)}` : `${text(src)} > ${text(dst)}`);
  if (from !== undefined) parts.push(`${text(from)} > ${text(to ?? null)}`);
  for (const [name, value] of Object.entries(others)) {
    const said = fieldText(layer, name, value);
    if (said !== '') parts.push(said);
  }
  return parts.join(', ');
}

function fieldText(layer: string, name: string, value: LayerFieldValue): string {
  const words = name.replace(/_/g, ' ');
  if (UNSAID.has(name) || value === null || value === false) return '';
  if (value === true) return words;
  if (typeof value === 'number') {
    if (value === 0 && QUIET_ZERO.has(name)) return '';
    if (HEX_LAYERS[layer]?.includes(name) === true) {
      return `${words} 0x${value.toString(16).padStart(HEX_DIGITS[name] ?? 2, '0')}`;
    }
    const protocol = name === 'protocol' && layer === 'gre' ? undefined : PROTOCOL_NAMES.get(value);
    if ((name === 'protocol' || name === 'next_header') && protocol !== undefined) {
      return `${words} ${value} (${protocol})`;
    }
    return `${words} ${value}`;
  }
  if (Array.isArray(value)) return value.length === 0 ? '' : `${words} ${value.join('+')}`;
  if (typeof value === 'string') return `${words} ${value}`;
  const inside = Object.entries(value)
    .map(([key, one]) => fieldText(layer, key, one))
    .filter((said) => said !== '');
  return `${words} (${inside.join(', ')})`;
}

function text(value: LayerFieldValue): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function endLines({ verdict, complaint, notes }: PacketDescription): string[] {
  const lines =
    complaint === null ? [] : [`  not opened as a tunnel: ${complaint.name}: ${complaint.meaning}`];
  for (const { name, meaning } of notes) lines.push(`  weird: ${name}: ${meaning}`);
  const family = verdict.family === 'ok' ? '' : ` (${verdict.family})`;
  let how = `  verdict: ${verdict.name}${family}: ${verdict.meaning}`;
  if (verdict.carrier !== undefined) how += ` It is ${verdict.carrier}.`;
  if (verdict.needed !== undefined) {
    how += ` ${verdict.layer ?? ''} at ${verdict.offset} needs ${verdict.needed} octets and has ${verdict.had}, by the ${verdict.limited_by}.`;
  }
  return [...lines, how];
}

function tunnelLines(tunnel: TunnelDescription): string[] {
  const teredoClass = tunnel.teredo?.['class'];
  const facts = TUNNEL_LINE.flatMap((name) => {
    const value = tunnel.tunnel[name];
    return value === undefined ? [] : [name === 'direction' ? String(value) : `${name} ${value}`];
  });
  const what = teredoClass === undefined ? tunnel.kind : `${tunnel.kind} ${text(teredoClass)}`;
  const lines = [`  tunnel ${tunnel.level}: ${what}, ${facts.join(', ')}`];
  const embedded = [
    ...embeddedText('teredo', tunnel.teredo),
    ...embeddedText('6to4', tunnel.sixtofour),
    ...embeddedText('isatap', tunnel.isatap),
  ];
  if (embedded.length > 0) lines.push(`    inside its addresses: ${embedded.join(', ')}`);
  if (tunnel.intel !== null) {
    const { name, role, status, place } = tunnel.intel;
    lines.push(`    listed: ${String(name)}, ${String(role)}, ${String(status)} (${String(place)})`);
  }
  for (const { name, meaning } of CHECKS) {
    const value = tunnel.checks[name];
    if (value !== undefined && value !== 'not-applicable')
      lines.push(`    ${value.padEnd(12)} ${name.padEnd(4)} ${meaning}`);
  }
  return lines;
}

function embeddedText(what: string, facts: Readonly<Record<string, LayerFieldValue>> | null): string[] {
  return Object.entries(facts ?? {})
    .filter(([name]) => /^(src|dst)/.test(name))
    .map(([name, value]) => `${what} ${name.replace(/_/g, ' ')} ${text(value)}`);
}

/* The header's octets; for the last layer also those behind it. */
function hexRows(layer: LayerDescription, isLast: boolean, octets: Uint8Array | undefined): string[] {
  if (octets === undefined) return [];
  const end = isLast ? Math.max(layer.end, layer.offset + layer.header) : layer.offset + layer.header;
  const rows: string[] = [];
  for (let at = layer.offset; at < end; at += OCTETS_A_ROW) {
    const row = octets.subarray(at, Math.min(at + OCTETS_A_ROW, end));
    const hex = Array.from(row, (octet) => octet.toString(16).padStart(2, '0')).join(' ');
    const signs = Array.from(row, (octet) =>
      octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : '.',
    );
    rows.push(
      `         ${at.toString(16).padStart(4, '0')}  ${hex.padEnd(OCTETS_A_ROW * 3)} ${signs.join('')}`,
    );
  }
  return rows;
}
