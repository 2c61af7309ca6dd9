import assert from 'node:assert/strict';
import fc from 'fast-check';
import { murmur128 } from '../../src/wire/hash.js';
import { JsonLine, withPath, zeekDouble, zeekTime } from '../../src/zeek/json-line.js';
import { noticeRecord } from '../../src/zeek/notice-record.js';
import { zeekText } from '../../src/zeek/text.js';
import { UID_KIND, UidMaker } from '../../src/zeek/uid.js';
import { SAMPLE_ALERT } from '../support/sample-records.js';

describe('Zeek numbers', () => {
  it('times have one to six decimals, cut off, never rounded', () => {
    // Forms from Zeek's own logs (reference: zeek.md section 4).
    const cases: [number, number, string][] = [
      [1_210_953_052, 202_579_000, '1210953052.202579'],
      [1_500_557_630, 0, '1500557630.0'],
      [1_210_953_074, 426_810_000, '1210953074.42681'],
      [1_700_000_000, 999_999_999, '1700000000.999999'],
      [1_700_000_000, 999, '1700000000.0'],
      [0, 1000, '0.000001'],
    ];
    for (const [seconds, nanoseconds, text] of cases) assert.equal(zeekTime({ seconds, nanoseconds }), text);
  });

  it('times are the shortest text of their microseconds', () => {
    fc.assert(
      fc.property(fc.nat(999_999_999), (nanoseconds) => {
        const text = zeekTime({ seconds: 1_700_000_000, nanoseconds });
        const fraction = text.split('.')[1]!;
        assert.equal(Number(fraction.padEnd(6, '0')), Math.floor(nanoseconds / 1000));
        assert.ok(fraction === '0' || !fraction.endsWith('0'));
      }),
    );
  });

  it('doubles keep a fraction, and what is not finite is null', () => {
    assert.equal(zeekDouble(3600), '3600.0');
    assert.equal(Number(zeekDouble(0.015377998352050781)), 0.015377998352050781);
    assert.equal(zeekDouble(1e21), '1e+21');
    assert.equal(zeekDouble(NaN), 'null');
  });
});

describe('Zeek strings', () => {
  it('write control characters as \\xNN, so that no line breaks and no terminal obeys', () => {
    assert.equal(zeekText('a\nb\u001b[31m\u0000'), 'a\\x0ab\\x1b[31m\\x00');
    assert.equal(new JsonLine().string('msg', 'a\nb').toString(), '{"msg":"a\\\\x0ab"}');
  });

  it('keep other characters and are cut at 4096 octets, between characters', () => {
    assert.equal(zeekText('grüße 漢字 🙂'), 'grüße 漢字 🙂');
    const long = zeekText('🙂'.repeat(2000));
    assert.ok(Buffer.byteLength(long) <= 4096);
    assert.ok(!long.includes('\ufffd'));
  });

  it('are cut before they are escaped, as Zeek does, so that no \\xNN is cut in two', () => {
    assert.equal(zeekText(`a${'\n'.repeat(5000)}`), `a${'\\x0a'.repeat(4095)}`);
    assert.equal(zeekText(`${'x'.repeat(4095)}ß`), 'x'.repeat(4095));
    assert.equal(zeekText('x'.repeat(4097)), 'x'.repeat(4096));
  });

  it('never reach 256000 octets in a record, where Zeek would cut it', () => {
    const long = '\n'.repeat(1_000_000);
    const notice = noticeRecord({
      ...SAMPLE_ALERT,
      rule: { ...SAMPLE_ALERT.rule, attack: Array.from({ length: 30_000 }, () => 'T1572.001') },
      message: long,
      sub: long,
      sensor: long,
      packet: {
        captureFile: long,
        packetNumber: 1,
        isIncomplete: false,
        vlan: [],
        origMac: '02:00:00:00:00:01',
        respMac: '02:00:00:00:00:02',
      },
    });
    // Even escaped, which Zeek does not count.
    assert.ok(Buffer.byteLength(notice.json) < 256_000);
    assert.equal((JSON.parse(notice.json) as { attack: string[] }).attack.length, 100);
  });

  it('have no form for half of a surrogate pair', () => {
    assert.equal(zeekText('a\ud800b'), 'a\ufffdb');
  });

  it('always give one line of valid JSON', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const line = new JsonLine().string('msg', text).strings('list', [text]).toString();
        assert.ok(!line.includes('\n'));
        assert.ok(typeof (JSON.parse(line) as { msg: string }).msg === 'string');
      }),
    );
  });

  it('leave absent values out', () => {
    const line = new JsonLine()
      .string('a', undefined)
      .count('b', undefined)
      .interval('c', undefined)
      .bool('d', undefined)
      .count('e', 0);
    assert.equal(line.toString(), '{"e":0}');
  });

  it('put _path first where a stream mixes logs', () => {
    assert.equal(withPath('notice', '{"ts":1.0}'), '{"_path":"notice","ts":1.0}');
  });
});

describe('uids', () => {
  it('have Zeek’s form, and are the same for the same input', () => {
    const maker = new UidMaker(7);
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 0xffffffff }), { minLength: 1, maxLength: 12 }),
        (words) => {
          maker.words.set(words, UidMaker.FIRST);
          const uid = maker.make(UID_KIND.tunnel, words.length);
          assert.match(uid, /^C[0-9a-zA-Z]{1,17}$/);
          maker.words.set(words, UidMaker.FIRST);
          assert.equal(maker.make(UID_KIND.tunnel, words.length), uid);
          assert.notEqual(maker.make(UID_KIND.flow, words.length), uid);
        },
      ),
    );
  });

  it('differ by seed', () => {
    const [a, b] = [new UidMaker(1), new UidMaker(2)];
    assert.notEqual(a.make(UID_KIND.tunnel, 3), b.make(UID_KIND.tunnel, 3));
  });
});

describe('base 62', () => {
  it('of a uid is that of its 32-bit and 64-bit parts, least significant digit first', () => {
    const maker = new UidMaker(3);
    const hash = new Uint32Array(4);
    const digits = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
    const slow = (value: bigint): string => {
      let text = '';
      let rest = value;
      do {
        text += digits[Number(rest % 62n)]!;
        rest /= 62n;
      } while (rest > 0n);
      return text;
    };
    for (let i = 0; i < 500; i++) {
      maker.words[UidMaker.FIRST] = i;
      const uid = maker.make(UID_KIND.flow, 1);
      murmur128(maker.words, 2, 3, hash);
      assert.equal(uid, `C${slow(BigInt(hash[0]!))}${slow((BigInt(hash[1]!) << 32n) | BigInt(hash[2]!))}`);
    }
  });
});
