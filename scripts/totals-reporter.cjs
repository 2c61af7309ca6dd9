'use strict';
// Mocha's dot reporter, which also lists skipped tests with their reasons and leaves the totals where scripts/test asks.
const { writeFileSync } = require('node:fs');
const { reporters } = require('mocha');

module.exports = class TotalsReporter extends reporters.Dot {
  constructor(runner, options) {
    super(runner, options);
    const skipped = [];
    runner.on('pending', (test) => skipped.push(test.fullTitle()));
    runner.once('end', () => {
      for (const title of skipped) process.stdout.write(`  skipped: ${title}\n`);
      const { passes, failures, pending } = runner.stats;
      const file = process.env.COPPERHULL_TOTALS;
      if (file) writeFileSync(file, `${passes} ${failures} ${pending}\n`);
    });
  }
};
