'use strict';
// Mocha's dot reporter, which also lists skipped tests by their reasons, counts a skipped test without a reason as failed, and
// leaves the totals and the titles of the failed where scripts/test asks.
const { appendFileSync, writeFileSync } = require('node:fs');
const { reporters } = require('mocha');

const REASON = / \[skipped: (.*)\]$/;
/** Titles told of one reason. */
const SHOWN = 10;

module.exports = class TotalsReporter extends reporters.Dot {
  constructor(runner, options) {
    super(runner, options);
    const byReason = new Map();
    const failed = [];
    runner.on('pending', (test) => {
      const reason = REASON.exec(test.title)?.[1];
      if (reason === undefined) {
        failed.push(`${test.fullTitle()} (skipped without a reason)`);
        return;
      }
      const titles = byReason.get(reason) ?? [];
      titles.push(test.fullTitle().replace(REASON, ''));
      byReason.set(reason, titles);
    });
    runner.on('fail', (test, error) =>
      failed.push(`${test.fullTitle()}: ${String(error.message).split('\n')[0]}`),
    );
    runner.once('end', () => {
      let skips = 0;
      for (const [reason, titles] of byReason) {
        skips += titles.length;
        process.stdout.write(`  skipped (${titles.length}): ${reason}\n`);
        for (const title of titles.slice(0, SHOWN)) process.stdout.write(`    ${title}\n`);
        if (titles.length > SHOWN) process.stdout.write(`    and ${titles.length - SHOWN} more\n`);
      }
      const { COPPERHULL_TOTALS: totals, COPPERHULL_FAILED: list } = process.env;
      if (totals) writeFileSync(totals, `${runner.stats.passes} ${failed.length} ${skips}\n`);
      if (list) appendFileSync(list, failed.map((title) => `${title}\n`).join(''));
    });
  }
};
