import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** PEM files for tests, made anew by openssl: a CA, a broker and a client that it signed, and a CA that nobody trusts. */
export interface Certificates {
  readonly ca: string;
  readonly otherCa: string;
  /** Private key, certificate and CA of the broker in one file, as Kafka reads them. */
  readonly brokerKeystore: string;
  readonly clientKey: string;
  readonly clientCertificate: string;
}

const DAYS = '30';

export function makeCertificates(folder: string): Certificates {
  const path = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  };
  const authority = (name: string): void =>
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      DAYS,
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
    );
  authority('ca');
  authority('other-ca');
  for (const name of ['broker', 'client']) {
    writeFileSync(path(`${name}.ext`), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
    openssl(
      'req',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
    );
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      DAYS,
      '-extfile',
      `${name}.ext`,
      '-out',
      `${name}.pem`,
    );
  }
  const keystore = ['broker.key', 'broker.pem', 'ca.pem']
    .map((name) => readFileSync(path(name), 'utf8'))
    .join('');
  writeFileSync(path('broker-keystore.pem'), keystore, { mode: 0o600 });
  return {
    ca: path('ca.pem'),
    otherCa: path('other-ca.pem'),
    brokerKeystore: path('broker-keystore.pem'),
    clientKey: path('client.key'),
    clientCertificate: path('client.pem'),
  };
}
