/** Exit codes of every command (docs/design.md section 9). */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  invalidRules: 3,
  alertsRaised: 4,
} as const;

/** Ends a command with an exit code and one sentence on standard error. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}
