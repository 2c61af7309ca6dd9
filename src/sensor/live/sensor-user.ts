import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { CaptureError } from '../../capture/capture-error.js';
import type { LesserUser } from '../../capture/privileges.js';
import type { NativeAddon } from '../../capture/native-addon.js';
import { loadAddon } from '../../capture/native-addon.js';
import { dropPrivileges } from '../../capture/privileges.js';
import type { Config } from '../../config/definition/configuration.js';

const FOLDER_MODE = 0o750;

/** Number and group of a user. Throws a CaptureError when there is none. */
export function findUser(name: string): LesserUser {
  const ask = (what: '-u' | '-g'): number =>
    Number(execFileSync('id', [what, '--', name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  try {
    return { uid: ask('-u'), gid: ask('-g') };
  } catch (error) {
    throw new CaptureError(
      'not-permitted',
      `There is no user "${name}" to become; make it with "useradd --system ${name}", or name another in run.user.`,
      { cause: error },
    );
  }
}

/** Folders that the sinks of a configuration write to. */
export function sinkFolders({ sinks }: Config): string[] {
  return sinks.flatMap((sink) =>
    sink.type === 'files' ? [sink.folder] : sink.type === 'stdout' ? [] : [sink.spool.folder],
  );
}

/**
 * When started as root, becomes the user of the configuration and keeps CAP_NET_RAW alone. Folders of sinks that are not
 * there are made for that user before, because afterwards nobody could. Call it before any thread is started. Returns the
 * name of the user that it became, or undefined when the process is no root. Throws a CaptureError.
 */
export function becomeUser(config: Config, load: () => NativeAddon = loadAddon): string | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  const { user: name } = config.run;
  const user = findUser(name);
  if (user.uid === 0)
    throw new CaptureError('not-permitted', `run.user "${name}" is root itself; name an ordinary user.`);
  const addon = addonToBecome(user, load);
  for (const folder of sinkFolders(config)) makeFolderFor(folder, user);
  dropPrivileges(user, addon);
  return name;
}

/**
 * The addon, which alone can give up rights and keep CAP_NET_RAW: the driver `cap` does without it otherwise. Throws a
 * CaptureError that says how to do without it here too.
 */
export function addonToBecome({ uid, gid }: LesserUser, load: () => NativeAddon = loadAddon): NativeAddon {
  try {
    return load();
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    throw new CaptureError(
      error.code,
      `To become user ${uid} and keep CAP_NET_RAW, root needs the capture addon, whatever the driver. Start run as that user instead, as the systemd unit does, or with "setpriv --reuid ${uid} --regid ${gid} --clear-groups --inh-caps +net_raw --ambient-caps +net_raw"; or build the addon. ${error.message}`,
      { cause: error },
    );
  }
}

/* Only folders that this makes get the user: one that is there belongs to somebody on purpose. */
function makeFolderFor(folder: string, { uid, gid }: LesserUser): void {
  if (statSync(folder, { throwIfNoEntry: false }) !== undefined) return;
  makeFolderFor(dirname(folder), { uid, gid });
  mkdirSync(folder, { mode: FOLDER_MODE });
  chownSync(folder, uid, gid);
}
