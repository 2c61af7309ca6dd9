import { SinkError } from '../alert-sink.js';
import type { ExistingLogs } from './file-sink-options.js';

/** Turns an error of the file system into a SinkError about `folder`, with advice for the one who named it. */
export function fileError(error: unknown, folder: string, existing: ExistingLogs): SinkError {
  if (error instanceof SinkError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const isLive = existing === 'append';
  const elsewhere = isLive ? 'name another folder' : 'choose another folder with --out';
  return new SinkError(`${folder}: ${hint(code, message, elsewhere, isLive)}.`, { cause: error });
}

function hint(code: string | undefined, message: string, elsewhere: string, isLive: boolean): string {
  switch (code) {
    case 'ENOSPC':
      return `the disk is full; make room or ${elsewhere}`;
    case 'EDQUOT':
      return `the disk quota is used up; raise it, make room or ${elsewhere}`;
    case 'EEXIST':
    case 'ENOTDIR':
      return `it is, or lies below, a file; ${isLive ? 'name' : '--out names'} a folder`;
    case 'ENOENT': // Node also says this when it may not make a folder on a read-only file system
      return 'it is not there and cannot be made; check its path';
    case 'EACCES':
    case 'EROFS':
    case 'EPERM':
      return `it may not be written; ${elsewhere}`;
    default:
      return message.replace(/\.$/, '');
  }
}
