/** A mistake in a text with `${NAME}`; `from` and `to` index the text. */
export interface SubstitutionMistake {
  readonly from: number;
  readonly to: number;
  readonly message: string;
}

export interface Substitution {
  readonly text: string;
  /** Something came from the environment. */
  readonly isSubstituted: boolean;
  readonly mistakes: readonly SubstitutionMistake[];
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Puts variables of the environment into a text: `${NAME}`, `${NAME:-default}` (when unset or empty, as in a shell) and
 * `$$` for a dollar. What comes from the environment is not looked at again.
 */
export function substitute(text: string, environment: NodeJS.ProcessEnv): Substitution {
  const mistakes: SubstitutionMistake[] = [];
  let result = '';
  let isSubstituted = false;
  let at = 0;
  while (at < text.length) {
    const dollar = text.indexOf('$', at);
    if (dollar < 0) break;
    result += text.slice(at, dollar);
    at = dollar + 1;
    if (text[at] !== '{') {
      result += '$';
      if (text[at] === '$') at++;
      continue;
    }
    const end = text.indexOf('}', at);
    if (end < 0) {
      mistakes.push({
        from: dollar,
        to: text.length,
        message: '"${" has no "}"; write $$ for a dollar',
      });
      at = text.length;
      break;
    }
    const [name = '', otherwise] = splitOnce(text.slice(at + 1, end), ':-');
    at = end + 1;
    isSubstituted = true;
    // An own property: the environment inherits nothing that a file may ask for.
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
    if (!NAME.test(name)) {
      mistakes.push({
        from: dollar,
        to: at,
        message: 'the name of a variable has letters, digits and "_" only; write ${NAME} or ${NAME:-default}',
      });
    } else if (otherwise !== undefined) {
      result += value === undefined || value === '' ? otherwise : value;
    } else if (value === undefined) {
      mistakes.push({
        from: dollar,
        to: at,
        message: `the environment has no ${name}; set it, or write \${${name}:-default}`,
      });
    } else result += value;
  }
  return { text: result + text.slice(at), isSubstituted, mistakes };
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
