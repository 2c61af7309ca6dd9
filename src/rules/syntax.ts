/** Syntax tree of a condition. `from` and `to` index the condition's text. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export type CompareOperator = '==' | '!=' | '<' | '<=' | '>' | '>=';
export type TextOperator = 'contains' | 'startswith';

/** A bare word or quoted text; what it means depends on the field beside it. */
export interface WordNode extends Span {
  readonly node: 'word';
  readonly text: string;
  readonly quoted: boolean;
}

export type Expression =
  | ({ readonly node: 'and' | 'or'; readonly left: Expression; readonly right: Expression } & Span)
  | ({ readonly node: 'not'; readonly inner: Expression } & Span)
  | ({ readonly node: 'name'; readonly word: WordNode } & Span)
  | ({ readonly node: 'present'; readonly field: WordNode } & Span)
  | ({
      readonly node: 'compare';
      readonly operator: CompareOperator | TextOperator;
      readonly left: WordNode;
      readonly right: WordNode;
    } & Span)
  | ({
      readonly node: 'in';
      readonly negated: boolean;
      readonly left: WordNode;
      /** One word (a list's name, a prefix) or the items of a bracketed list. */
      readonly set: readonly WordNode[];
      readonly bracketed: boolean;
    } & Span);

/** A mistake in a condition's text. */
export class ConditionError extends Error {
  override readonly name = 'ConditionError';
  readonly span: Span;

  constructor(message: string, span: Span) {
    super(message);
    this.span = span;
  }
}
