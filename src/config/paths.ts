import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigError } from './config-error.js';
import type { Kind, Unreadable } from './kind.js';
import { UNREADABLE } from './kind.js';
import type { Place } from './place.js';
import { isPrintable } from './scalars.js';
import { HIDDEN, Secret } from './secret.js';

/* Kinds of values that name files, and secrets, which may lie in files. */

const LONGEST_PATH = 4096;
const READABLE_BY_OTHERS = 0o004;
const FROM_FILE = 'file:';

const PATH_SCHEMA = { type: 'string', minLength: 1, maxLength: LONGEST_PATH };

function readPath(at: Place, text: string, words: string): string | Unreadable {
  if (text === '' || text.length > LONGEST_PATH || !isPrintable(text)) return at.mismatchOfSecret(words);
  if (text.startsWith('~')) return at.mismatchOfSecret(`${words}; "~" is not expanded, write it in full`);
  return resolve(at.findings.folder, text);
}

/** Path of a folder; absolute when loaded. */
export const folder: Kind<string> = {
  words: 'the path of a folder',
  sections: [],
  read(at) {
    return typeof at.value === 'string' ? readPath(at, at.value, this.words) : at.mismatch(this.words);
  },
  write: (value) => value,
  schema: () => PATH_SCHEMA,
};

function fileKind(isPrivate: boolean): Kind<string> {
  const words = 'the path of a file';
  return {
    words,
    sections: [],
    read(at) {
      if (typeof at.value !== 'string') return at.mismatch(words);
      const path = readPath(at, at.value, words);
      if (path !== UNREADABLE) warnOfFile(at, path, isPrivate);
      return path;
    },
    write: (value) => value,
    schema: () => PATH_SCHEMA,
  };
}

/** Path of a file that is read later; absolute when loaded. Warns when there is none yet. */
export const file = fileKind(false);

/** The same for a private key: warns also when others may read it. */
export const privateFile = fileKind(true);

/** A password: written here, taken from the environment, or `file:PATH`. */
export const secret: Kind<Secret> = {
  words: 'a secret: file:PATH, ${NAME} of the environment, or text',
  sections: [],
  read(at) {
    const { value } = at;
    if (typeof value !== 'string' || value === '') return at.mismatchOfSecret(this.words);
    if (value === HIDDEN)
      return at.report(`${HIDDEN} stands for a secret that was hidden; write the secret here`);
    if (!value.startsWith(FROM_FILE)) {
      if (!at.isSubstituted)
        at.warn('this secret stands in the configuration file; file:PATH keeps it apart');
      return Secret.of(value);
    }
    const path = readPath(at, value.slice(FROM_FILE.length), `${FROM_FILE} and the path of a file`);
    if (path === UNREADABLE) return UNREADABLE;
    try {
      const loaded = Secret.fromFile(path);
      warnOfFile(at, path, true);
      return loaded;
    } catch (error) {
      if (error instanceof ConfigError) return at.report(error.message.replace(/\.$/, ''));
      throw error;
    }
  },
  write: (value) => (value.file === undefined ? HIDDEN : `${FROM_FILE}${value.file}`),
  schema: () => ({ type: 'string', minLength: 1 }),
};

function warnOfFile(at: Place, path: string, isPrivate: boolean): void {
  let mode: number;
  try {
    mode = statSync(path).mode;
  } catch (error) {
    at.warn(`${path} cannot be read now (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'})`);
    return;
  }
  if (isPrivate && (mode & READABLE_BY_OTHERS) !== 0)
    at.warn(`${path} may be read by everybody on this machine; chmod o-r it`);
}
