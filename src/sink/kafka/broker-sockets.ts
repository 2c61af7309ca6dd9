import { connect as connectPlain, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ISocketFactory } from 'kafkajs';

const KEEP_ALIVE_MS = 60_000;
/* kafkajs cuts "host:port" at the first colon, so an IPv6 address travels through it with its colons as tildes. */
const COLON = /:/g;
const STAND_IN = /~/g;

/** A broker of the configuration in the form that kafkajs takes. */
export function seedBroker(broker: string): string {
  const match = /^\[(.*)\]:(\d+)$/.exec(broker);
  return match === null ? broker : `${match[1]!.replace(COLON, '~')}:${match[2]}`;
}

/** The broker that {@link seedBroker} stands for, as it stood in the configuration. */
export function brokerText(broker: string): string {
  return broker.replace(/^(.*~.*):(\d+)$/, (_all, host: string, port: string) => `[${hostOf(host)}]:${port}`);
}

function hostOf(seed: string): string {
  return seed.replace(STAND_IN, ':');
}

/** Connections to brokers, by name or by address of either family. */
export const socketFactory: ISocketFactory = ({ host: seed, port, ssl, onConnect }) => {
  const host = hostOf(seed);
  const name = isIP(host) === 0 ? { servername: host } : {};
  // The types say that it is always there; without TLS it is not.
  const socket = (ssl as typeof ssl | undefined)
    ? connectTls({ host, port, ...name, ...ssl }, onConnect)
    : connectPlain({ host, port }, onConnect);
  return socket.setKeepAlive(true, KEEP_ALIVE_MS);
};
