import { connect } from 'node:tls';

/**
 * Whether a port answers a TLS handshake. Asked only to explain why a broker hung up on a client without TLS; nothing is
 * sent over the connection, so the certificate does not matter.
 */
export function speaksTls(address: string, timeoutMs: number): Promise<boolean> {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(address.slice(colon + 1)), rejectUnauthorized: false });
    const end = (answer: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => end(false), timeoutMs);
    socket.once('secureConnect', () => end(true));
    // A server that wants a client certificate has shown that it speaks TLS.
    socket.once('error', (error: NodeJS.ErrnoException) => end((error.code ?? '').includes('ALERT')));
  });
}
