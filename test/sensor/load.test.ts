import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { FolderError, loadEndpoints, loadRules } from '../../src/sensor/load.js';
import { temporaryFolder } from '../support/temporary.js';

describe('folders of rules and lists', () => {
  const temporary = temporaryFolder();
  const refused = (work: () => unknown, reason: RegExp): void => {
    assert.throws(work, (error) => error instanceof FolderError && reason.test(error.message));
  };

  it('that are not there are told with what named them', () => {
    const nowhere = temporary.path('nowhere');
    refused(
      () => loadRules([nowhere]),
      /nowhere is no folder; "rules\.folders" names folders with rule files/,
    );
    refused(() => loadRules([nowhere], true, '--rules'), /nowhere is no folder; --rules names folders/);
    refused(() => loadEndpoints([nowhere]), /nowhere is no folder; "lists\.folders" names folders/);
  });

  it('that are files or empty are told too', () => {
    const file = temporary.path('file.yaml');
    writeFileSync(file, '');
    refused(() => loadRules([file]), /file\.yaml is no folder/);
    mkdirSync(temporary.path('empty'));
    refused(() => loadRules([temporary.path('empty')]), /empty holds no rule files/);
  });
});
