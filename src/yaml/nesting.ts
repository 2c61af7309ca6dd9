/**
 * The line, from 1, where brackets or dashes are nested deeper than `deepest`. The YAML parser calls itself for each level,
 * and Node.js may abort, not throw, when that exhausts the stack. Brackets in texts and comments count, too.
 */
export function tooDeepAt(text: string, deepest: number): number | undefined {
  let depth = 0;
  const line = text.split('\n').findIndex((source) => {
    if (/^[ \t?:-]{200}/.test(source)) return true;
    let deepestHere = depth;
    for (const character of source) {
      if (character === '[' || character === '{') deepestHere = Math.max(deepestHere, ++depth);
      else if ((character === ']' || character === '}') && depth > 0) depth--;
    }
    return deepestHere > deepest;
  });
  return line < 0 ? undefined : line + 1;
}
