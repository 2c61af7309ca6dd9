export type CaptureErrorCode =
  | 'missing'
  | 'unreadable'
  | 'not-a-capture'
  | 'unsupported-format'
  | 'unsupported-link-type'
  | 'corrupt'
  | LiveErrorCode;

/** What can be wrong with a live capture. */
export type LiveErrorCode =
  | 'no-driver'
  | 'not-permitted'
  | 'no-such-interface'
  | 'interface-down'
  | 'interface-refused'
  | 'bad-filter'
  | 'closed'
  | 'capture-failed';

/** A capture that cannot be read, in one sentence that says what to do. */
export class CaptureError extends Error {
  override readonly name = 'CaptureError';
  readonly code: CaptureErrorCode;

  constructor(code: CaptureErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A capture that ends in the middle of a packet: what stands before is good. */
export interface CutShort {
  readonly origin: string;
  /** Offset of the incomplete record, in octets of the (uncompressed) capture. */
  readonly byteOffset: number;
}
