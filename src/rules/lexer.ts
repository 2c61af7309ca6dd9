import { ConditionError } from './syntax.js';

export interface Token {
  readonly kind: 'word' | 'text' | 'symbol' | 'end';
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

const SYMBOLS = ['==', '!=', '<=', '>=', '<', '>', '(', ')', '[', ']', ','] as const;
const WORD = /[A-Za-z0-9_.:/-]+/y;
const SPACE = /\s+/y;

/**
 * Words are runs of letters, digits and `_ . : / -`: field names, numbers, addresses, prefixes, durations and the words
 * of enums (`6in4`, `raw-ipv6-in-udp`) alike. What a word means is decided where it stands.
 */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    SPACE.lastIndex = at;
    const space = SPACE.exec(text);
    if (space !== null) {
      at += space[0].length;
      continue;
    }
    const token = tokenAt(text, at);
    tokens.push(token);
    at = token.to;
  }
  tokens.push({ kind: 'end', text: '', from: text.length, to: text.length });
  return tokens;
}

function tokenAt(text: string, at: number): Token {
  const symbol = SYMBOLS.find((candidate) => text.startsWith(candidate, at));
  if (symbol !== undefined) return { kind: 'symbol', text: symbol, from: at, to: at + symbol.length };
  const quote = text[at]!;
  if (quote === "'" || quote === '"') {
    const end = text.indexOf(quote, at + 1);
    if (end < 0) throw new ConditionError('this quoted text does not end', { from: at, to: text.length });
    return { kind: 'text', text: text.slice(at + 1, end), from: at, to: end + 1 };
  }
  WORD.lastIndex = at;
  const word = WORD.exec(text);
  if (word !== null) return { kind: 'word', text: word[0], from: at, to: at + word[0].length };
  const hint =
    quote === '='
      ? '; use == to compare'
      : quote === '!' || quote === '&' || quote === '|'
        ? '; use and, or, not'
        : '';
  throw new ConditionError(`"${quote}" has no meaning here${hint}`, { from: at, to: at + 1 });
}
