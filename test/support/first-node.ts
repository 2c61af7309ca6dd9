import { skip } from './skip.js';

/**
 * Why a long test that does not depend on the version of Node is left out on this one; undefined on the first Node of
 * `scripts/test`, and wherever tests are started by hand.
 */
export function whyNotAgain(): string | undefined {
  return process.env['COPPERHULL_SHORT'] === undefined ? undefined : 'it was run on the first Node';
}

/** Skips the tests of a `describe` on all Nodes but the first, and says why. */
export function onFirstNodeOnly(): void {
  before(function () {
    const why = whyNotAgain();
    if (why !== undefined) skip(this, why);
  });
}
