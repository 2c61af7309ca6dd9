import type { ZeekValue } from './values.js';

/**
 * Writes a value as the WebSocket API v1 reads it. JSON.stringify cannot be used for numbers: a real must have a decimal
 * point, a count and an integer must have none and may have 64 bits.
 */
export function encodeValue(value: ZeekValue): string {
  return `{${encodeMembers(value)}}`;
}

/** The two members of a value's object, for the places where they stand beside others. */
export function encodeMembers(value: ZeekValue): string {
  return `"@data-type":"${value.type}","data":${payload(value)}`;
}

function payload(value: ZeekValue): string {
  switch (value.type) {
    case 'none':
      return '{}';
    case 'boolean':
    case 'count':
    case 'integer':
      return String(value.value);
    case 'real':
      return realText(value.value);
    case 'string':
    case 'address':
    case 'subnet':
    case 'enum-value':
      return JSON.stringify(value.value);
    case 'port':
      return `"${value.number}/${value.protocol === 'unknown' ? '?' : value.protocol}"`;
    case 'timestamp':
      // The Z is left out: the format has none.
      return `"${new Date(value.epochMs).toISOString().slice(0, -1)}"`;
    case 'timespan':
      return `"${timespanText(value.nanoseconds)}"`;
    case 'vector':
    case 'set':
      return `[${value.items.map(encodeValue).join(',')}]`;
    case 'table':
      return `[${value.entries
        .map((entry) => `{"key":${encodeValue(entry.key)},"value":${encodeValue(entry.value)}}`)
        .join(',')}]`;
  }
}

function realText(value: number): string {
  const text = Object.is(value, -0) ? '-0' : String(value);
  if (text.includes('.')) return text;
  const [mantissa = '', exponent] = text.split('e');
  return exponent === undefined ? `${mantissa}.0` : `${mantissa}.0e${exponent}`;
}

const UNITS: readonly (readonly [bigint, string])[] = [
  [1_000_000_000n, 's'],
  [1_000_000n, 'ms'],
  [1000n, 'us'],
];

/* The largest of the common units that leaves no rest. */
function timespanText(nanoseconds: bigint): string {
  for (const [size, unit] of UNITS) if (nanoseconds % size === 0n) return `${nanoseconds / size}${unit}`;
  return `${nanoseconds}ns`;
}
