import type { Token } from './lexer.js';
import { tokenize } from './lexer.js';
import type { CompareOperator, Expression, TextOperator, WordNode } from './syntax.js';
import { ConditionError } from './syntax.js';

const COMPARE: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=']);
const RESERVED: ReadonlySet<string> = new Set([
  'and',
  'or',
  'not',
  'in',
  'contains',
  'startswith',
  'present',
]);
const LATER: ReadonlySet<string> = new Set(['count', 'distinct', 'over']);
const MAX_DEPTH = 64;

/**
 * Parses a condition:
 *
 *     or      := and ("or" and)*
 *     and     := not ("and" not)*
 *     not     := "not" not | "(" or ")" | "present" "(" field ")" | test
 *     test    := word [ compare word | ["not"] "in" set | ("contains" | "startswith") word ]
 *     set     := word | "[" word ("," word)* "]"
 *
 * Throws a ConditionError that points at the mistake.
 */
export function parseCondition(text: string): Expression {
  return new Parser(tokenize(text)).parse();
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  parse(): Expression {
    const expression = this.#or();
    const rest = this.#peek();
    if (rest.kind !== 'end')
      this.#fail(rest, `"${rest.text}" is not expected here; join two tests with and, or`);
    return expression;
  }

  #or(): Expression {
    let left = this.#and();
    while (this.#take('or')) {
      const right = this.#and();
      left = { node: 'or', left, right, from: left.from, to: right.to };
    }
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    while (this.#take('and')) {
      const right = this.#not();
      left = { node: 'and', left, right, from: left.from, to: right.to };
    }
    return left;
  }

  #not(): Expression {
    const token = this.#peek();
    if (++this.#depth > MAX_DEPTH) this.#fail(token, `conditions may be nested ${MAX_DEPTH} deep at most`);
    try {
      if (this.#take('not')) {
        const inner = this.#not();
        return { node: 'not', inner, from: token.from, to: inner.to };
      }
      if (this.#takeSymbol('(')) {
        const inner = this.#or();
        this.#expectSymbol(')');
        return inner;
      }
      return this.#test();
    } finally {
      this.#depth--;
    }
  }

  #test(): Expression {
    const first = this.#peek();
    if (first.kind === 'word' && first.text === 'present') return this.#present(first);
    if (first.kind === 'word' && LATER.has(first.text)) {
      this.#fail(
        first,
        `"${first.text}" belongs to aggregates over time, which this version does not have yet`,
      );
    }
    const left = this.#word('a field');
    const operator = this.#peek();
    if (operator.kind === 'symbol' && COMPARE.has(operator.text)) {
      this.#at++;
      const right = this.#word('a value');
      return {
        node: 'compare',
        operator: operator.text as CompareOperator,
        left,
        right,
        from: left.from,
        to: right.to,
      };
    }
    if (operator.kind === 'word' && (operator.text === 'contains' || operator.text === 'startswith')) {
      this.#at++;
      const right = this.#word('a text');
      return {
        node: 'compare',
        operator: operator.text satisfies TextOperator,
        left,
        right,
        from: left.from,
        to: right.to,
      };
    }
    const negated = operator.kind === 'word' && operator.text === 'not';
    if (negated) this.#at++;
    if (this.#take('in')) return this.#set(left, negated);
    if (negated) this.#fail(operator, '"not" after a field must be followed by "in"');
    return { node: 'name', word: left, from: left.from, to: left.to };
  }

  #set(left: WordNode, negated: boolean): Expression {
    if (!this.#takeSymbol('[')) {
      const word = this.#word('a list');
      return { node: 'in', negated, left, set: [word], bracketed: false, from: left.from, to: word.to };
    }
    const set = [this.#word('an item')];
    while (this.#takeSymbol(',')) set.push(this.#word('an item'));
    const end = this.#expectSymbol(']');
    return { node: 'in', negated, left, set, bracketed: true, from: left.from, to: end.to };
  }

  #present(token: Token): Expression {
    this.#at++;
    this.#expectSymbol('(');
    const field = this.#word('a field');
    const end = this.#expectSymbol(')');
    return { node: 'present', field, from: token.from, to: end.to };
  }

  #word(what: string): WordNode {
    const token = this.#peek();
    if (
      (token.kind !== 'word' && token.kind !== 'text') ||
      (token.kind === 'word' && RESERVED.has(token.text))
    ) {
      this.#fail(
        token,
        token.kind === 'end'
          ? `${what} is missing at the end`
          : `${what} is expected here, not "${token.text}"`,
      );
    }
    this.#at++;
    return { node: 'word', text: token.text, quoted: token.kind === 'text', from: token.from, to: token.to };
  }

  #peek(): Token {
    return this.#tokens[this.#at]!;
  }

  #take(word: string): boolean {
    const token = this.#peek();
    if (token.kind !== 'word' || token.text !== word) return false;
    this.#at++;
    return true;
  }

  #takeSymbol(symbol: string): boolean {
    const token = this.#peek();
    if (token.kind !== 'symbol' || token.text !== symbol) return false;
    this.#at++;
    return true;
  }

  #expectSymbol(symbol: string): Token {
    const token = this.#peek();
    if (!this.#takeSymbol(symbol)) this.#fail(token, `"${symbol}" is missing here`);
    return token;
  }

  #fail(token: Token, message: string): never {
    throw new ConditionError(message, { from: token.from, to: Math.max(token.to, token.from + 1) });
  }
}
