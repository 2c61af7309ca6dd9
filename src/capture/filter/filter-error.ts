/** A capture filter that cannot be made from what was asked, in one sentence that says what to do. */
export class FilterError extends Error {
  override readonly name = 'FilterError';
}
