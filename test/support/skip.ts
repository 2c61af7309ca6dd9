import type { Context } from 'mocha';

/**
 * Skips a test, or in a hook all tests of its suite and of those within, with the reason in their titles. The reporter of
 * `scripts/test` counts a test that is skipped without one as failed.
 */
export function skip(context: Context, reason: string): never {
  const runnable = context.test!;
  const mark = (test: { title: string }): void => {
    test.title += ` [skipped: ${reason}]`;
  };
  // Mocha's types do not tell a hook from a test.
  if ((runnable as { type?: string }).type === 'hook') runnable.parent!.eachTest(mark);
  else mark(runnable);
  return context.skip();
}
