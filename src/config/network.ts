import { isIPv4, isIPv6 } from 'node:net';
import type { Kind } from './kind.js';
import { orFromEnvironment } from './kind.js';

/** A host name or address, without brackets, and a port. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

const ENDPOINT = /^(\[[0-9A-Fa-f:.]+\]|[^:[\]]+):([0-9]{1,5})$/;
const HOST_NAME =
  /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$/;

/** `host:port`; an IPv6 address stands in brackets. */
export const endpoint: Kind<Endpoint> = {
  words: 'host:port',
  sections: [],
  read(at) {
    const { value } = at;
    const match = typeof value === 'string' ? ENDPOINT.exec(value) : null;
    if (match === null) {
      const isBare = typeof value === 'string' && isIPv6(value.replace(/:[0-9]{5}$/, ''));
      return at.mismatch(this.words, isBare ? '; an IPv6 address stands in brackets, as in [::1]:9092' : '');
    }
    const host = match[1]!.replace(/^\[|\]$/g, '');
    const port = Number(match[2]);
    if (port < 1 || port > 65_535) return at.mismatch(this.words, '; ports go from 1 to 65535');
    return isHost(host)
      ? { host, port }
      : at.mismatch(this.words, '; the host is neither a name nor an address');
  },
  write: writeEndpoint,
  schema: () => orFromEnvironment({ type: 'string', pattern: ENDPOINT.source }),
};

function isHost(text: string): boolean {
  // Digits and dots are meant as an address: 10.0.0.300 is no name.
  if (/^[0-9.]+$/.test(text)) return isIPv4(text);
  return isIPv6(text) || HOST_NAME.test(text);
}

function writeEndpoint({ host, port }: Endpoint): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Whether what goes to this host stays on this machine. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  return bare === 'localhost' || bare === '::1' || (isIPv4(bare) && bare.startsWith('127.'));
}

/** A URL of one of some schemes (`ws`), without user, password and fragment. */
export function url(...schemes: readonly string[]): Kind<string> {
  const words = `a URL with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`;
  const pattern = new RegExp(`^(${schemes.join('|')})://[^\\s#@]+$`);
  return {
    words,
    sections: [],
    read(at) {
      const { value } = at;
      if (typeof value !== 'string') return at.mismatch(words);
      const parsed = URL.canParse(value) ? new URL(value) : undefined;
      if (parsed !== undefined && (parsed.username !== '' || parsed.password !== ''))
        return at.mismatchOfSecret(`${words}, without user and password`);
      return parsed !== undefined && pattern.test(value) ? value : at.mismatch(words);
    },
    write: (value) => value,
    schema: () => orFromEnvironment({ type: 'string', pattern: pattern.source }),
  };
}
