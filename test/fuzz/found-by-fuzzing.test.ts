import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { CaptureFile } from '../../src/capture/capture-file.js';
import { readRuleSet } from '../../src/rules/rule-set.js';
import { readSchema } from '../../src/sensor/package-files.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { buildFrame } from '../../src/wire/packet-builder.js';
import { SourceError } from '../../src/yaml/diagnostic.js';
import { analyse, newAnalysis } from '../support/analysing.js';
import { memoryBatch, memoryInterface } from '../../src/capture/memory-batch.js';
import { block, enhancedPacket, interfaceBlock, section } from '../support/pcap-writer.js';
import { validateRecords } from '../support/record-schemas.js';
import { temporaryFolder } from '../support/temporary.js';

/* One test for each fault that fuzzing found, named after what it looked like. */

const OUTER: Extract<LayerSpec, { layer: 'ipv4' }> = { layer: 'ipv4', src: '81.1.1.1', dst: '82.2.2.2' };
const payload = (bytes: Uint8Array): LayerSpec => ({ layer: 'payload', bytes });

describe('found by fuzzing and mended', () => {
  const folder = temporaryFolder();

  it('fragments that contradict each other were taken off the octets held twice, and the bound grew with each', () => {
    const { analysis } = newAnalysis();
    const fragment = (id: number, length: number): Uint8Array =>
      buildFrame([
        OUTER,
        { layer: 'ipv6', src: '2001:470::1', dst: '2001:470::2' },
        { layer: 'fragment', offset: 32, more: false, id, nextHeader: 6 },
        payload(new Uint8Array(length)),
      ]);
    // Two last fragments that end at different places.
    const frames = [1, 2, 3].flatMap((id) => [fragment(id, 16), fragment(id, 24)]);
    const batch = memoryBatch(frames.map((bytes) => ({ bytes, seconds: 1_700_000_000 })));
    analysis.process(batch, 0, batch.count, [memoryInterface('test.pcap')]);
    assert.equal(analysis.reassembler.counters.discarded, 3);
    assert.ok(analysis.reassembler.heldBytes > 0);
    analysis.finish();
    assert.equal(analysis.reassembler.heldBytes, 0);
  });

  it('a weird about MPLS, GENEVE, AYIYA, GTP-U or L2TP had no source, which Zeek always writes', () => {
    const inUdp = (port: number, ...octets: readonly number[]): readonly LayerSpec[] => [
      OUTER,
      { layer: 'udp', src: 40_000, dst: port },
      payload(Uint8Array.from(octets)),
    ];
    const inner: LayerSpec = { layer: 'ipv6', src: '2001:470::1', dst: '2001:470::2' };
    const gre: LayerSpec = { layer: 'gre', protocol: 0x8847 };
    const { records, lines } = analyse([
      { layers: [OUTER, gre, payload(Uint8Array.of(0, 0, 0, 0))] },
      // A tunnel over these ports is known first: only then are complaints about them weird.
      {
        layers: [
          OUTER,
          { layer: 'udp', src: 40_000, dst: 2152 },
          gtp(),
          inner,
          { layer: 'tcp', src: 1, dst: 2 },
        ],
      },
      { layers: inUdp(2152, 0x10, 0xff, 0, 0, 0, 0, 0, 1) },
    ]);
    validateRecords(records);
    assert.deepEqual(
      lines('weird').map(({ name, source }) => [String(name).replace('_in_tunnel', ''), source]),
      [
        ['truncated_MPLS', 'MPLS'],
        ['not_gtp', 'GTPV1'],
      ],
    );
  });

  it('an unknown pcapng block went unchecked where it lay over the border of two reads', async () => {
    const long = block(true, 0x0bad, Buffer.alloc(1_000_000));
    long.writeUInt32LE(long.length + 4, long.length - 4);
    const path = folder.path('lies.pcapng');
    const packet = enhancedPacket(true, 0, 1n, Uint8Array.of(1));
    writeFileSync(path, Buffer.concat([section(true), interfaceBlock(true), packet, long, packet]));
    const file = await CaptureFile.open(path);
    let packets = 0;
    await assert.rejects(
      file.read((_, from, to) => {
        packets += to - from;
        return undefined;
      }),
      /lies\.pcapng: the block at byte 84 has two block lengths that differ/,
    );
    await file.close();
    assert.equal(packets, 1);
  });

  it('a rule with thousands of tests in its condition ended the program with a stack overflow', () => {
    const many = Array.from({ length: 20_000 }, () => 'packet.length == 1').join(' or ');
    assert.match(mistakesOf(rule(many)), /a condition has 2000 parts at most.*use a list/);
    assert.equal(mistakesOf(rule(many.slice(0, 900 * 22 - 4))), '');
  });

  it('macros that use each other twice and more took hours to compile', () => {
    const macros = Array.from({ length: 15 }, (_, i) => {
      const below =
        i === 0 ? 'packet.length == 1' : Array.from({ length: 8 }, () => `m${i - 1}`).join(' or ');
      return `- macro: m${i}\n  condition: ${below}\n`;
    });
    assert.match(
      mistakesOf(macros.join('') + rule('m14')),
      /in macro "m14": .*a condition has 2000 parts at most/,
    );
  });

  it('a rule file of brackets or dashes alone was told as a stack overflow', () => {
    for (const text of ['['.repeat(5_000), '- '.repeat(5_000), '{a: '.repeat(5_000)]) {
      assert.match(mistakesOf(text), /^rules\.yaml:1:1: this is nested too deeply$/m);
    }
  });

  it('a list or a map as a key made Node.js print a warning of its own', async () => {
    const warnings: string[] = [];
    const keep = (warning: Error): unknown => warnings.push(warning.message);
    process.on('warning', keep);
    for (const text of ['- ? [a, b]\n  : c\n', '- {{a: b}: c}\n', '- &a [b]\n- {*a : c}\n']) {
      assert.match(mistakesOf(text), /a key must be a word, not a list, a map or an alias/);
    }
    // Warnings come in a later turn.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', keep);
    assert.deepEqual(warnings, []);
  });
});

function gtp(): LayerSpec {
  return payload(Uint8Array.of(0x30, 0xff, 0, 60, 0, 0, 0, 1));
}

function rule(condition: string): string {
  return `- rule: fuzzed
  rev: 1
  title: Fuzzed
  on: packet
  severity: low
  status: test
  condition: ${condition}
  note: Test::Fuzzed
  message: fuzzed
  tests: [{ name: none, hex: ["00"], expect: [] }]
`;
}

function mistakesOf(text: string): string {
  try {
    readRuleSet([{ name: 'rules.yaml', text }], readSchema('rules.schema.json'));
    return '';
  } catch (error) {
    assert.ok(error instanceof SourceError, String(error));
    return error.message;
  }
}
