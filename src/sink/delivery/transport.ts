import type { SpooledRecord } from '../spool/record-codec.js';

/**
 * What a failed send calls for. `temporary`: the other side may come back, so try again for ever. `stopped`: somebody
 * has to mend credentials or configuration, so report it and try again seldom. `refused`: these messages will never be
 * taken as they are; a batch is split, a single one goes to the dead letters.
 */
export type DeliveryFault = 'temporary' | 'stopped' | 'refused';

/** What the fault concerns: one lane (a partition without a leader), or the whole connection, which is made anew. */
export type DeliveryScope = 'lane' | 'connection';

/** A send or a connection that failed, in one sentence that says what to do. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError';
  readonly fault: DeliveryFault;
  readonly scope: DeliveryScope;

  constructor(
    fault: DeliveryFault,
    message: string,
    options: ErrorOptions & { readonly scope?: DeliveryScope } = {},
  ) {
    super(message, options);
    this.fault = fault;
    this.scope = options.scope ?? (fault === 'refused' ? 'lane' : 'connection');
  }
}

/** A record in the form that the other side gets. */
export interface Outgoing<Message> {
  /** Messages of one lane stay in order: its batches are sent one after the other. */
  readonly lane: string;
  /** Octets that the message adds to a batch; an upper bound. */
  readonly bytes: number;
  readonly message: Message;
}

/** The way from a spool to its other side. Called by one deliverer; `send` runs for several lanes at once. */
export interface Transport<Message> {
  /**
   * Makes a new connection in place of an earlier one. Rejects with a DeliveryError. `onLost` is called when the
   * connection turns out to be gone, or has to be made anew, while nothing is being sent.
   */
  connect(onLost: (error: DeliveryError) => void): Promise<void>;
  /** Only called while connected. Throws a DeliveryError of fault `refused` for a record that can have no message. */
  encode(record: SpooledRecord): Outgoing<Message>;
  /** Resolves when the other side has acknowledged every message. Rejects with a DeliveryError. */
  send(lane: string, messages: readonly Message[]): Promise<void>;
  /** Ends the connection; what is being sent fails. Never rejects. */
  disconnect(): Promise<void>;
  /** Files whose change is a reason to connect anew: certificates, keys, passwords. */
  readonly watchedFiles: readonly string[];
}
