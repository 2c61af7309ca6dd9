import assert from 'node:assert/strict';
import fc from 'fast-check';
import { LineBuffer } from '../../../src/sink/files/line-buffer.js';

describe('lines that are written together', () => {
  it('are the same octets as the text of them all, however they fill the buffer', () => {
    const lines = fc.array(fc.oneof(fc.string(), fc.string({ unit: 'binary', maxLength: 40 })));
    fc.assert(
      fc.property(lines, fc.integer({ min: 1, max: 200 }), (texts, size) => {
        const buffer = new LineBuffer(size);
        const written: string[] = [];
        let count = 0;
        const write = (): void => {
          count += buffer.count;
          written.push(buffer.take().toString());
        };
        for (const text of texts) {
          if (buffer.add(text)) continue;
          write();
          assert.ok(buffer.add(text), 'an empty buffer takes any line');
        }
        write();
        assert.equal(written.join(''), texts.map((text) => `${text}\n`).join(''));
        assert.equal(count, texts.length);
      }),
    );
  });

  it('do not outgrow the buffer when they are short', () => {
    const buffer = new LineBuffer(64);
    let lines = 0;
    while (buffer.add('0123456789')) lines++;
    assert.equal(lines, 4);
    assert.equal(buffer.take().length, 44);
    assert.equal(buffer.count, 0);
  });
});
