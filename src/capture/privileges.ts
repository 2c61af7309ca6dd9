import { CaptureError } from './capture-error.js';
import type { NativeAddon } from './native-addon.js';
import { loadAddon } from './native-addon.js';

/** Who the process becomes. */
export interface LesserUser {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Makes the process this user and group, without further groups, and keeps CAP_NET_RAW as its only capability, so that
 * interfaces can be opened again. For good: there is no way back.
 *
 * User and group change for the whole process, capabilities for the calling thread. Worker threads and programs started
 * afterwards inherit CAP_NET_RAW; worker threads that run already lose it with the change of user, go on capturing, and
 * cannot open an interface again. So call it on the main thread, before the worker that captures is started. A process that
 * has CAP_NET_RAW and is not root may call it with its own user and group, to lose the rest of its capabilities.
 *
 * Throws a CaptureError `not-permitted` that says which step failed; the process may then be half changed and should end.
 */
export function dropPrivileges(user: LesserUser, addon: NativeAddon = loadAddon()): void {
  try {
    addon.dropPrivileges(user.uid, user.gid);
  } catch (error) {
    if (!(error instanceof Error) || (error as NodeJS.ErrnoException).code !== 'not-permitted') throw error;
    throw new CaptureError(
      'not-permitted',
      `Privileges cannot be dropped to user ${user.uid} and group ${user.gid}: ${error.message}; start as root, or with CAP_NET_RAW as that user.`,
      { cause: error },
    );
  }
}
