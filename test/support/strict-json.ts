/** A JSON number by its digits. */
export interface JsonNumber {
  readonly number: string;
}

export type Json = null | boolean | string | JsonNumber | Json[] | Map<string, Json>;

/** Reads JSON as RFC 8259 has it, by its own walk over the text, so that a test does not trust what it tests. */
export function readJson(text: string): Json {
  let at = 0;
  const fail = (): never => {
    throw new SyntaxError(`not JSON at ${at}`);
  };
  const space = (): void => {
    while (' \t\n\r'.includes(text[at] ?? '_')) at++;
  };
  const take = (token: string): void => {
    if (!text.startsWith(token, at)) fail();
    at += token.length;
  };
  const match = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? fail();
    at += found.length;
    return found;
  };
  const list = (close: string, item: () => void): void => {
    at++;
    space();
    for (let isFirst = true; text[at] !== close; isFirst = false) {
      if (!isFirst) take(',');
      item();
      space();
      if (text[at] !== ',' && text[at] !== close) fail();
      if (text[at] === ',' && /^,\s*[\]}]/.test(text.slice(at, at + 20))) fail();
    }
    at++;
  };
  const string = (): string => {
    // eslint-disable-next-line no-control-regex -- JSON forbids control characters in strings
    const token = match(/"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y);
    return JSON.parse(token) as string;
  };
  const value = (): Json => {
    space();
    switch (text[at]) {
      case '{': {
        const members = new Map<string, Json>();
        list('}', () => {
          space();
          const key = string();
          if (members.has(key)) fail();
          space();
          take(':');
          members.set(key, value());
        });
        return members;
      }
      case '[': {
        const items: Json[] = [];
        list(']', () => {
          items.push(value());
        });
        return items;
      }
      case '"':
        return string();
      case 't':
        take('true');
        return true;
      case 'f':
        take('false');
        return false;
      case 'n':
        take('null');
        return null;
      default:
        return { number: match(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y) };
    }
  };
  const result = value();
  space();
  if (at < text.length) fail();
  return result;
}
