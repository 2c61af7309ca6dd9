import { unwatchFile, watchFile } from 'node:fs';

/* Polling sees what inotify misses: secrets that are swapped by a symbolic link, and files on network file systems. */
const INTERVAL_MS = 2000;

/** Calls `onChange` when one of the files was changed, replaced or removed. Returns what ends the watch. */
export function watchFiles(files: readonly string[], onChange: (file: string) => void): () => void {
  const listeners = files.map((file) => {
    const listener = (
      now: { mtimeMs: number; ino: number },
      before: { mtimeMs: number; ino: number },
    ): void => {
      if (now.mtimeMs !== before.mtimeMs || now.ino !== before.ino) onChange(file);
    };
    watchFile(file, { interval: INTERVAL_MS, persistent: false }, listener);
    return { file, listener };
  });
  return () => {
    for (const { file, listener } of listeners) unwatchFile(file, listener);
  };
}
