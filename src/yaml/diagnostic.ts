/** A mistake in a rule, list or configuration file, with the place where it is. */
export interface Diagnostic {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  readonly message: string;
  /** The source line, and how many columns the mistake covers. */
  readonly source: string;
  readonly width: number;
}

/** `file:line:column: message`, the line, and a caret under the mistake. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, message, source, width } = diagnostic;
  const pad = source.slice(0, column - 1).replace(/[^\t]/g, ' ');
  const carets = '^'.repeat(Math.max(1, Math.min(width, source.length - column + 1)));
  return `${file}:${line}:${column}: ${message}\n    ${source}\n    ${pad}${carets}`;
}

/** All mistakes of the files that were loaded. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map(formatDiagnostic).join('\n'));
    this.diagnostics = diagnostics;
  }
}
