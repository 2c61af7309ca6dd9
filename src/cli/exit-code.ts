/** Exit codes of every command (docs/design.md section 9). */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  /** Rules, lists or the configuration. */
  invalidSource: 3,
  alertsRaised: 4,
} as const;

/** Ends a command with an exit code and a sentence for each thing that went wrong, a line each on standard error. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly sentences: readonly string[];
  readonly exitCode: number;

  constructor(sentences: string | readonly string[], exitCode: number) {
    const list = typeof sentences === 'string' ? [sentences] : sentences;
    super(list.join(' '));
    this.sentences = list;
    this.exitCode = exitCode;
  }
}
