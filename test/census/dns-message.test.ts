import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CaptureFile } from '../../src/capture/capture-file.js';
import { DnsMessage, MAX_RECORDS } from '../../src/census/dns-message.js';
import { ReverseName } from '../../src/census/reverse-name.js';
import { MAX_SIGHTINGS, PLACE, Sightings } from '../../src/census/sightings.js';
import { LAYER, PORTS } from '../../src/decode/layers.js';
import { formatIpv6 } from '../../src/wire/address.js';
import { frameOf } from '../../src/wire/frame.js';
import { allCaptures, needsForeignCaptures } from '../support/captures.js';
import { guardedFrame, newDecoder } from '../support/decoding.js';
import {
  addressBytes,
  dnsMessage,
  FIRST_NAME,
  nameBytes,
  reverseName,
  TYPE,
} from '../support/dns-messages.js';

const TEREDO = '2001:0:4137:9e50:8000:f12a:b9c8:2815';
const SIXTOFOUR = '2002:c000:204::1';
const NATIVE = '2001:db8::1';
const PTR_DATA = nameBytes('host.example');

interface Seen {
  readonly place: number;
  readonly text: string;
  readonly bits: number;
}

/** What a message shows, read inside guards: any read outside throws. */
function seenIn(message: Uint8Array): Seen[] {
  const sightings = new Sightings();
  const { frame, at, end } = guardedFrame(message);
  new DnsMessage(sightings).read(frame, at, end);
  return Array.from({ length: sightings.addresses }, (_, i) => {
    const [a, b, c, d] = sightings.words.subarray(4 * i, 4 * i + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    return { place: sightings.place[i]!, text: formatIpv6(a, b, c, d), bits: sightings.bits[i]! };
  });
}

const address = fc
  .tuple(
    fc.constantFrom('2001:0', '3ffe:831f', '2002:c000'),
    fc.array(fc.nat(0xffff), { minLength: 6, maxLength: 6 }),
  )
  .map(([prefix, groups]) => {
    const parts = [prefix, ...groups.map((group) => group.toString(16))].join(':').split(':');
    return parts.slice(0, 8).join(':');
  });

describe('addresses in DNS messages', () => {
  it('are found in the names of reverse lookups', () => {
    const questions = [{ name: reverseName(TEREDO), type: TYPE.PTR }];
    assert.deepEqual(seenIn(dnsMessage({ questions })), [
      { place: PLACE.dns_query, text: TEREDO, bits: 128 },
    ]);
    const loud = [{ name: reverseName(SIXTOFOUR).toUpperCase(), type: TYPE.PTR }];
    assert.deepEqual(seenIn(dnsMessage({ questions: loud })), [
      { place: PLACE.dns_query, text: SIXTOFOUR, bits: 128 },
    ]);
  });

  it('are found in AAAA answers, and in the owner of a PTR answer through a pointer', () => {
    const answers = [
      { owner: FIRST_NAME, type: TYPE.AAAA, data: addressBytes(TEREDO) },
      { owner: FIRST_NAME, type: TYPE.AAAA, data: addressBytes(NATIVE) },
      { owner: 'x.example', type: TYPE.AAAA, data: addressBytes(SIXTOFOUR) },
    ];
    const questions = [{ name: 'x.example', type: TYPE.AAAA }];
    assert.deepEqual(seenIn(dnsMessage({ isResponse: true, questions, answers })), [
      { place: PLACE.dns_answer, text: TEREDO, bits: 128 },
      { place: PLACE.dns_answer, text: SIXTOFOUR, bits: 128 },
    ]);
    const reverse = dnsMessage({
      isResponse: true,
      questions: [{ name: reverseName(TEREDO), type: TYPE.PTR }],
      answers: [{ owner: FIRST_NAME, type: TYPE.PTR, data: PTR_DATA }],
    });
    assert.deepEqual(seenIn(reverse), [{ place: PLACE.dns_answer, text: TEREDO, bits: 128 }]);
  });

  it('are known as far as the name of a reverse zone goes', () => {
    const zone = (nibbles: number): Seen[] =>
      seenIn(dnsMessage({ questions: [{ name: reverseName(TEREDO, nibbles), type: 2 }] }));
    assert.deepEqual(zone(16), [{ place: PLACE.dns_query, text: '2001:0:4137:9e50::', bits: 64 }]);
    const prefix = dnsMessage({ questions: [{ name: reverseName(SIXTOFOUR, 12), type: 2 }] });
    assert.deepEqual(seenIn(prefix), [{ place: PLACE.dns_query, text: '2002:c000:204::', bits: 48 }]);
    // The zones of all servers: 2001::/16 has the first word of 2001::/32.
    for (const nibbles of [3, 4, 8, 15]) assert.deepEqual(zone(nibbles), []);
  });

  it('are not found in names that only look like it', () => {
    const name = reverseName(TEREDO);
    const others = [
      `${name}.example`,
      name.replace('arpa', 'arpb'),
      name.replace('ip6', 'ip4'),
      name.replace('ip6.', ''),
      `0.${name}`,
      name.replace(/^./, 'g'),
      name.replace(/^./, '10'),
      'ip6.arpa',
      'arpa',
      '',
    ];
    for (const other of others)
      assert.deepEqual(seenIn(dnsMessage({ questions: [{ name: other, type: TYPE.PTR }] })), [], other);
  });

  it('are those of the class IN and of standard queries alone', () => {
    const data = addressBytes(TEREDO);
    const answer = (its: number): Uint8Array =>
      dnsMessage({ isResponse: true, answers: [{ owner: 'a', type: TYPE.AAAA, class: its, data }] });
    assert.equal(seenIn(answer(3)).length, 0);
    // The top bit of the class is multicast DNS's.
    assert.equal(seenIn(answer(0x8001)).length, 1);
    const update = answer(1);
    update[2]! |= 5 << 3;
    assert.equal(seenIn(update).length, 0);
    const short = dnsMessage({
      isResponse: true,
      answers: [{ owner: 'a', type: TYPE.AAAA, data: data.subarray(1) }],
    });
    assert.equal(seenIn(short).length, 0);
  });

  it('are bounded: records of a message, addresses of a packet', () => {
    const sightings = new Sightings();
    const answers = Array.from({ length: MAX_RECORDS + 10 }, () => ({
      owner: '',
      type: TYPE.AAAA,
      data: addressBytes(TEREDO),
    }));
    const message = dnsMessage({ isResponse: true, answers });
    new DnsMessage(sightings).read(frameOf(message), 0, message.length);
    assert.equal(sightings.addresses, MAX_SIGHTINGS);
    assert.equal(sightings.lost, MAX_RECORDS - MAX_SIGHTINGS);
  });
});

describe('pointers in names', () => {
  const read = (bytes: Uint8Array, at: number): number => {
    const { frame, at: start, end } = guardedFrame(bytes);
    return new ReverseName().read(frame, start + at, end, start);
  };

  it('are followed backwards, between any two labels', () => {
    const tail = nameBytes('0.0.0.0.1.0.0.2.ip6.arpa');
    const head = Buffer.concat([nameBytes('a.b').subarray(0, -1), nameBytes(0)]);
    assert.equal(read(Buffer.concat([tail, head]), tail.length), 40);
    const arpa = Buffer.concat([nameBytes('arpa'), nameBytes('1.2.ip6').subarray(0, -1), nameBytes(0)]);
    assert.equal(read(arpa, 6), 8);
  });

  it('that lead forwards, in a circle, or through too many others end the name', () => {
    assert.equal(read(Buffer.concat([nameBytes(0)]), 0), 0);
    assert.equal(read(Buffer.concat([nameBytes(2), nameBytes('1.ip6.arpa')]), 0), 0);
    assert.equal(read(Buffer.concat([nameBytes('1').subarray(0, -1), nameBytes(0)]), 0), 0);
    const name = nameBytes('1.ip6.arpa');
    const chain = (length: number): Buffer =>
      Buffer.concat([
        name,
        ...Array.from({ length }, (_, i) => nameBytes(i === 0 ? 0 : name.length + 2 * (i - 1))),
      ]);
    assert.equal(read(chain(16), name.length + 30), 4);
    assert.equal(read(chain(17), name.length + 32), 0);
  });
});

describe('the DNS reader', () => {
  it('finds every address that a message was built with', () => {
    fc.assert(
      fc.property(fc.array(address, { minLength: 1, maxLength: 20 }), (texts) => {
        const answers = texts.map((text, i) =>
          i % 2 === 0
            ? { owner: 'a.example', type: TYPE.AAAA, data: addressBytes(text) }
            : { owner: reverseName(text), type: TYPE.PTR, data: PTR_DATA },
        );
        const seen = seenIn(dnsMessage({ isResponse: true, answers }));
        const hex = (text: string): string => Buffer.from(addressBytes(text)).toString('hex');
        assert.deepEqual(
          seen.map(({ text }) => hex(text)),
          texts.map(hex),
        );
      }),
    );
  });

  it('never throws and never reads outside, whatever the octets are', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void seenIn(bytes)));
    const seeds = [
      dnsMessage({ questions: [{ name: reverseName(TEREDO), type: TYPE.PTR }] }),
      dnsMessage({
        isResponse: true,
        questions: [{ name: reverseName(TEREDO), type: TYPE.PTR }],
        answers: [
          { owner: FIRST_NAME, type: TYPE.PTR, data: PTR_DATA },
          { owner: 'b', type: TYPE.AAAA, data: addressBytes(TEREDO) },
        ],
      }),
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(199), fc.nat(255)), { maxLength: 8 }),
        fc.nat(200),
        (seed, changes, length) => {
          const bytes = seed.slice(0, Math.min(seed.length, length));
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
          seenIn(bytes);
        },
      ),
    );
  });

  it('reads real lookups, whole and cut anywhere, and finds no tunnel address where there is none', async function () {
    needsForeignCaptures(this);
    this.timeout(120_000);
    const decoder = newDecoder();
    let messages = 0;
    for (const path of allCaptures()) {
      const file = await CaptureFile.open(path);
      await file.read((batch, from, to) => {
        for (let i = from; i < to; i++) {
          const at = batch.at[i]!;
          const { linkType } = file.interfaces[batch.interface[i]!]!;
          decoder.decode(batch.frame, at, at + batch.capturedLength[i]!, batch.wireLength[i]!, linkType);
          const { stack } = decoder;
          const udp = stack.last;
          if (udp < 0 || stack.kind[udp] !== LAYER.udp) continue;
          if (
            ![stack.word(udp, PORTS.SRC), stack.word(udp, PORTS.DST)].some((port) =>
              [53, 5353, 5355].includes(port),
            )
          )
            continue;
          const message = stack.frame.bytes.slice(stack.at[udp]! + 8, stack.end[udp]);
          messages++;
          assert.deepEqual(seenIn(message), []);
          if (messages % 10 === 0)
            for (let end = 0; end < message.length; end++) seenIn(message.subarray(0, end));
        }
        return undefined;
      });
      await file.close();
    }
    assert.ok(messages > 400, `${messages} messages`);
  });
});
