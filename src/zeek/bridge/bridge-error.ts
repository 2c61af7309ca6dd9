/**
 * `unreachable`: nothing listens, or the way there is cut. `timeout`: no answer in time. `closed`: the connection
 * ended. `tls`: certificates do not fit. `rejected`: the server does not want this client as it is configured.
 * `protocol`: the other side does not speak the WebSocket API v1. `too-big`: the server does not take messages of that
 * size. `overflow`: more was published than the connection takes; wait for `publish`. `misuse`: the caller's mistake.
 */
export type BridgeErrorCode =
  'unreachable' | 'timeout' | 'closed' | 'tls' | 'rejected' | 'protocol' | 'too-big' | 'overflow' | 'misuse';

/** A bridge that cannot go on, in one sentence that says what to do. */
export class BridgeError extends Error {
  override readonly name = 'BridgeError';
  readonly code: BridgeErrorCode;

  constructor(code: BridgeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const TLS_CODE =
  /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|SELF_SIGNED|UNABLE_TO|DEPTH_ZERO|INVALID_CA|HOSTNAME_MISMATCH|EPROTO)/;

/** What an error of the socket means. `where` names the server, `HOST:PORT`. */
export function socketFailure(error: Error, where: string): BridgeError {
  const { code = '' } = error as NodeJS.ErrnoException;
  const options = { cause: error };
  const status = /^Unexpected server response: (\d{3})/.exec(error.message)?.[1];
  if (status !== undefined) {
    return new BridgeError(
      status.startsWith('5') ? 'unreachable' : 'rejected',
      `${where} answers with HTTP status ${status} instead of a WebSocket; check host, port and any proxy before Zeek.`,
      options,
    );
  }
  if (TLS_CODE.test(code)) {
    return new BridgeError(
      'tls',
      `TLS with ${where} failed (${code}); check that both sides use TLS, the CA, the certificate's name and date, and the client certificate.`,
      options,
    );
  }
  if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH')
    return new BridgeError('closed', `${where} sent a message over the size limit; it was cut off.`, options);
  if (code.startsWith('WS_ERR') || code.startsWith('HPE_') || code === '') {
    return new BridgeError(
      'protocol',
      `${where} does not speak WebSocket as Zeek does (${code === '' ? error.message : code}); check host and port.`,
      options,
    );
  }
  return new BridgeError(
    'unreachable',
    `${where} cannot be reached (${code}); check that Zeek runs and listens for WebSocket clients there.`,
    options,
  );
}

const POLICY_VIOLATION = 1008;
const TOO_BIG = 1009;

/** What the end of a connection means. `reason` is the server's and may be empty. */
export function closeFailure(closeCode: number, reason: string, where: string): BridgeError {
  const said = reason === '' ? '' : `, "${printable(reason)}"`;
  if (closeCode === POLICY_VIOLATION)
    return new BridgeError('rejected', `${where} turned the client away (close code 1008${said}).`);
  if (closeCode === TOO_BIG)
    return new BridgeError('too-big', `${where} found a message too big (close code 1009${said}).`);
  return new BridgeError('closed', `${where} ended the connection (close code ${closeCode}${said}).`);
}

/** Text of the server that may stand in an error or a log: short, without control characters. */
export function printable(text: string): string {
  const short = text.length > 200 ? `${text.slice(0, 200)}...` : text;
  return short.replace(/[^\x20-\x7e]/g, '?');
}
