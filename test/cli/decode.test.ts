import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { teredoAddress } from '../../src/wire/packet-builder.js';
import { buildFrame } from '../../src/wire/packet-builder.js';
import { onFirstNodeOnly } from '../support/first-node.js';
import { builtCommand } from '../support/built-command.js';
import { LAB_CAPTURES } from '../support/captures.js';
import { copperhull } from '../support/command.js';
import { enhancedPacket, interfaceBlock, pcap, section } from '../support/pcap-writer.js';
import { temporaryFolder } from '../support/temporary.js';

const QUALIFICATION = join(LAB_CAPTURES, 'teredo-qualify-irc-http-natinside.pcap');

describe('copperhull decode', function () {
  onFirstNodeOnly();
  this.timeout(30_000);
  const folder = temporaryFolder();

  it('shows the ladder of one packet with offsets, fields, verdict and checks', async () => {
    const { code, stdout, stderr } = await copperhull(['decode', '--packet', '5', QUALIFICATION]);
    assert.equal(code, 0, stderr);
    const lines = stdout.trimEnd().split('\n');
    assert.match(lines[0]!, /^packet 5 {2}2026-\d\d-\d\dT[\d:.]+Z {2}108 octets {2}teredo-qualify/);
    assert.deepEqual(
      lines.slice(1, 7).map((line) => line.split(/\s+/).slice(1, 4)),
      [
        ['0', '+14', 'eth'],
        ['14', '+20', 'ipv4'],
        ['34', '+8', 'udp'],
        ['42', '+0', 'teredo'],
        ['42', '+40', 'ipv6'],
        ['82', '+4', 'icmpv6'],
      ],
    );
    assert.match(lines[2]!, /192\.168\.77\.10 > 65\.55\.158\.80, protocol 17 \(udp\), ttl 64/);
    assert.match(stdout, /verdict: ok: /);
    assert.match(stdout, /tunnel 1: teredo ping-test, outbound/);
    assert.match(stdout, /holds +T07 +the client address inside the Teredo source/);
  });

  it('judges a packet by what came before it, as replay does', async () => {
    const alone = pcap([{ seconds: 1, nanoseconds: 0, bytes: packetOf(QUALIFICATION, 5) }]);
    const { stdout } = await copperhull(['decode', '--json', '-'], { input: alone });
    const known = await copperhull(['decode', '--json', '--packet', '5', QUALIFICATION]);
    // Without the server's answer nothing is known of the NAT.
    assert.equal(parsed(stdout)[0]!['checks']!['T07'], 'undetermined');
    assert.equal(parsed(known.stdout)[0]!['checks']!['T07'], 'holds');
  });

  it('shows octets of each layer with -x', async () => {
    const { stdout } = await copperhull(['decode', '-x', '--packet', '4', QUALIFICATION]);
    assert.match(stdout, /teredo .*\n +002a {2}00 01 00 00 95 9f 0e 52 ab 87 35 04 00/);
  });

  it('prints an object a line with --json, of gzip and of standard input too', async () => {
    const input = gzipSync(readFileSync(QUALIFICATION));
    const { code, stdout } = await copperhull(['decode', '--json', '-'], { input });
    assert.equal(code, 0);
    const advertisement = parsed(stdout)[3]!;
    assert.deepEqual(
      (advertisement['layers'] as unknown as { layer: string }[]).map(({ layer }) => layer),
      ['eth', 'ipv4', 'udp', 'teredo', 'ipv6', 'icmpv6'],
    );
    const teredo = advertisement['teredo']!;
    assert.deepEqual(teredo['auth'], {
      id_length: 0,
      value_length: 0,
      nonce: '959f0e52ab873504',
      confirmation: 0,
    });
    assert.deepEqual(teredo['origin'], { address: '81.187.10.2', port: 35530 });
    assert.equal(teredo['class'], 'router-advertisement');
    assert.equal(advertisement['outer']!['src_port'], 3544);
    assert.equal(advertisement['inner']!['icmp_type'], 134);
  });

  it('tells the offset and the need of a packet that ran out of octets', async () => {
    const frame = buildFrame([
      { layer: 'ipv4', src: '192.0.2.1', dst: '198.51.100.1', protocol: 41 },
      { layer: 'payload', bytes: Uint8Array.of(0x60, 0, 0, 0) },
    ]);
    const input = pcap([{ seconds: 1, nanoseconds: 0, bytes: frame }]);
    const { stdout } = await copperhull(['decode', '-'], { input });
    assert.match(
      stdout,
      /truncated_inner_IP \(truncated\).* ipv6 at 34 needs 40 octets and has 4, by the IPv4/,
    );
  });

  it('lets no control character of a packet, an interface or a file name reach the terminal', async () => {
    const escape = '\u001b]0;owned\u0007\u009b2J';
    const frame = buildFrame([
      { layer: 'ipv4', src: '192.0.2.1', dst: '198.51.100.1' },
      { layer: 'udp', src: 53, dst: 5353 },
      { layer: 'payload', bytes: new TextEncoder().encode(escape) },
    ]);
    const path = folder.path(`a${escape.replace('/', '')}.pcapng`);
    const parts = [
      section(true),
      interfaceBlock(true, { name: `eth${escape}` }),
      enhancedPacket(true, 0, 1n, frame),
    ];
    writeFileSync(path, Buffer.concat(parts));
    for (const flags of [[], ['-x'], ['--json']]) {
      const { code, stdout } = await copperhull(['decode', ...flags, path]);
      assert.equal(code, 0);
      // eslint-disable-next-line no-control-regex -- the control characters are what it looks for
      assert.doesNotMatch(stdout, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    }
  });

  it('ends with one sentence when the file is no capture, and when there is no such packet', async () => {
    const noCapture = await copperhull(['decode', fileURLToPath(import.meta.url)]);
    assert.equal(noCapture.code, 1);
    assert.match(
      noCapture.stderr,
      /^\S+ is not a pcap or pcapng capture \(gzip or plain\); check the file\.\n$/,
    );
    const missing = await copperhull(['decode', '/nowhere/a.pcap']);
    assert.deepEqual([missing.code, missing.stderr], [1, '/nowhere/a.pcap does not exist.\n']);
    const beyond = await copperhull(['decode', '--packet', '1000', QUALIFICATION]);
    assert.equal(beyond.code, 1);
    assert.match(beyond.stderr, /has \d+ packets; there is no packet 1000\.\n$/);
    const foreign = pcap([{ seconds: 1, nanoseconds: 0, bytes: new Uint8Array(60) }], { linkType: 105 });
    const link = await copperhull(['decode', '-'], { input: foreign });
    assert.equal(link.code, 1);
    assert.match(link.stderr, /^- has link type 105, which is not supported; /);
    assert.equal((await copperhull(['decode', '--packet', '0', QUALIFICATION])).code, 2);
  });

  it('shows what stands before the end of a file that was cut', async () => {
    const whole = readFileSync(QUALIFICATION);
    const { code, stdout, stderr } = await copperhull(['decode', '--json', '-'], {
      input: whole.subarray(0, 600),
    });
    assert.equal(code, 0);
    assert.ok(parsed(stdout).length > 2);
    assert.match(stderr, /ends in the middle of a packet at byte \d+; everything before it was shown/);
  });

  it('is quiet when its reader goes away', async () => {
    const [program, script] = builtCommand();
    const child = spawn(program, [script, 'decode', '-x', QUALIFICATION], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdout.once('data', () => child.stdout.destroy());
    const code = await new Promise((resolve) => child.once('close', resolve));
    assert.deepEqual([code, stderr], [0, '']);
  });

  it('shows the first fragment of a datagram whose rest never came, once more and alone', async () => {
    const inner = teredoAddress('65.54.227.120', '203.0.113.9', 40000);
    const frame = buildFrame([
      { layer: 'ipv4', src: '203.0.113.9', dst: '65.54.227.120', fragment: 0x2000, id: 7 },
      { layer: 'udp', src: 40000, dst: 3544 },
      { layer: 'ipv6', src: inner, dst: '2001:470::1' },
      { layer: 'tcp', src: 1, dst: 6667 },
      { layer: 'payload', bytes: new Uint8Array(4) },
    ]);
    const input = pcap([{ seconds: 1, nanoseconds: 0, bytes: frame }]);
    const { stdout } = await copperhull(['decode', '--json', '--packet', '1', '-'], { input });
    const [waiting, alone] = parsed(stdout);
    assert.equal(waiting!['verdict']!['name'], 'fragment');
    assert.equal(alone!['frame']!['incomplete'], true);
    assert.equal(alone!['inner']!['dst_port'], 6667);
  });
});

type Shown = Record<string, Record<string, unknown> | undefined>;

function parsed(lines: string): Shown[] {
  return lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Shown);
}

/* The octets of packet `number` of a pcap file in the machine's order. */
function packetOf(path: string, number: number): Uint8Array {
  const bytes = readFileSync(path);
  let at = 24;
  for (let i = 1; i < number; i++) at += 16 + bytes.readUInt32LE(at + 8);
  return bytes.subarray(at + 16, at + 16 + bytes.readUInt32LE(at + 8));
}
