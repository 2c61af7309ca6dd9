import { SinkError } from '../alert-sink.js';

export type SpoolErrorCode = 'in-use' | 'unwritable' | 'disk-full' | 'too-large' | 'closed' | 'failed';

/** A spool that cannot do what was asked, in one sentence that says what to do. */
export class SpoolError extends SinkError {
  readonly code: SpoolErrorCode;

  constructor(code: SpoolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Turns an error of the file system into a SpoolError about `folder`. */
export function spoolError(error: unknown, folder: string): SpoolError {
  if (error instanceof SpoolError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new SpoolError(
        'disk-full',
        `The spool ${folder} has no disk space left; make room or lower maxBytes.`,
        {
          cause: error,
        },
      );
    case 'EACCES':
    case 'EROFS':
    case 'EPERM':
      return new SpoolError(
        'unwritable',
        `The spool ${folder} may not be written; give this user the right or name another folder.`,
        {
          cause: error,
        },
      );
    case 'ENOTDIR':
    case 'EEXIST':
    case 'ENOENT':
      return new SpoolError(
        'unwritable',
        `The spool folder ${folder} cannot be made; check its path, or whether it is a file.`,
        {
          cause: error,
        },
      );
    default:
      return new SpoolError('failed', `The spool ${folder} failed: ${message}.`, { cause: error });
  }
}
