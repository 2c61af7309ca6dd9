import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { LogName } from '../../src/model/records.js';
import { buildFrame } from '../../src/wire/packet-builder.js';
import { builtCommand } from '../support/built-command.js';
import { copperhull } from '../support/command.js';
import { LAB_CAPTURES } from '../support/captures.js';
import { pcap } from '../support/pcap-writer.js';
import { validateLine } from '../support/record-schemas.js';
import { temporaryFolder } from '../support/temporary.js';

const MIREDO = join(LAB_CAPTURES, 'teredo-qualify-irc-http-natoutside.pcap');
const SIX_IN_FOUR = join(LAB_CAPTURES, 'p41-6in4-irc-http.pcap');

const isOneSentence = (text: string): boolean => text.trim().split('\n').length === 1;

describe('copperhull replay', function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  let number = 0;
  const fresh = (): string => folder.path(`out-${number++}`);

  it('writes Zeek logs to a folder, prints alerts and a summary', async () => {
    const out = fresh();
    const { code, stdout, stderr } = await copperhull(['replay', MIREDO, '--out', out]);
    assert.equal(code, 0, stderr);
    assert.equal(stderr, '');
    assert.deepEqual(readdirSync(out).sort(), ['notice.log', 'tunnel.log']);
    for (const log of ['notice', 'tunnel'] as const) {
      const lines = readFileSync(join(out, `${log}.log`), 'utf8').split('\n');
      assert.equal(lines.pop(), '');
      for (const line of lines) validateLine(log, line);
    }
    assert.match(stdout, /^HIGH {2}IRC port inside an IPv6 tunnel\n/);
    assert.match(
      stdout,
      /46 packets in 1 file, 44 of them in tunnels\ntunnels: teredo 2; inner flows: \d+\nalerts: /,
    );
    assert.match(stdout, /not examined: nothing/);
  });

  it('writes what Zeek would, with --profile strict or the configuration’s profile', async () => {
    const config = folder.path('strict.yaml');
    writeFileSync(config, 'profile: strict\n');
    for (const flags of [
      ['--profile', 'strict'],
      ['--config', config],
    ]) {
      const out = fresh();
      const { code, stderr } = await copperhull(['replay', MIREDO, '--out', out, '--quiet', ...flags]);
      assert.deepEqual([code, stderr], [0, '']);
      const first = readFileSync(join(out, 'tunnel.log'), 'utf8').split('\n')[0]!;
      assert.match(first, /"tunnel_type":"Tunnel::TEREDO","action":"Tunnel::DISCOVER"\}$/);
      assert.match(
        readFileSync(join(out, 'notice.log'), 'utf8').split('\n')[0]!,
        /"suppress_for":[0-9.]+\}$/,
      );
    }
    const out = fresh();
    await copperhull([
      'replay',
      MIREDO,
      '--out',
      out,
      '--quiet',
      '--config',
      config,
      '--profile',
      'extended',
    ]);
    assert.match(readFileSync(join(out, 'tunnel.log'), 'utf8'), /"tunnel_kind":"teredo"/);
    const { code, stderr } = await copperhull(['replay', MIREDO, '--profile', 'lax']);
    assert.equal(code, 2);
    assert.match(stderr, /extended, strict/);
  });

  it('creates files that only owner and group may read', async () => {
    const out = fresh();
    await copperhull(['replay', MIREDO, '--out', out, '--quiet']);
    assert.equal(statSync(join(out, 'notice.log')).mode & 0o777, 0o640);
  });

  it('names a new folder after the capture when none is given, and never uses one twice', async () => {
    const cwd = fresh();
    mkdirSync(cwd);
    for (let i = 0; i < 2; i++) assert.equal((await copperhull(['replay', MIREDO], { cwd })).code, 0);
    const name = 'teredo-qualify-irc-http-natoutside.copperhull';
    assert.deepEqual(readdirSync(cwd).sort(), [name, `${name}-2`]);
    assert.deepEqual(
      readFileSync(join(cwd, name, 'notice.log')),
      readFileSync(join(cwd, `${name}-2`, 'notice.log')),
    );
  });

  it('writes all records to standard output with _path first, and nothing else', async () => {
    const { code, stdout, stderr } = await copperhull(['replay', MIREDO, '--out', '-']);
    assert.equal(code, 0);
    const lines = stdout.trimEnd().split('\n');
    for (const line of lines) {
      const log = /^\{"_path":"(\w+)","ts":/.exec(line)?.[1];
      assert.ok(log !== undefined, line);
      validateLine(log as LogName, line);
    }
    assert.match(stderr, /46 packets in 1 file/);
  });

  it('reads standard input, plain and gzip', async () => {
    const plain = readFileSync(MIREDO);
    const results = [];
    for (const input of [plain, gzipSync(plain)])
      results.push(await copperhull(['replay', '-', '--out', '-', '--quiet'], { input }));
    assert.ok(results[0]!.stdout.includes('"capture_file":"-"'));
    assert.equal(results[0]!.stdout, results[1]!.stdout);
  });

  it('ends quietly when its reader has seen enough', () => {
    const script = '"$1" "$2" replay "$3" --out - --quiet | head -n 1';
    const given = ['bash', ...builtCommand(), MIREDO];
    const result = spawnSync('bash', ['-o', 'pipefail', '-c', script, ...given], { encoding: 'utf8' });
    assert.equal(result.stderr, '');
    assert.equal(result.stdout.split('\n').length, 2);
  });

  it('prints its summary as JSON on request', async () => {
    const { stdout } = await copperhull(['replay', MIREDO, '--out', fresh(), '--json']);
    const summary = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual(
      [summary['packets'], summary['tunnel_packets'], summary['tunnels']],
      [46, 44, { teredo: 2 }],
    );
  });

  it('says plainly when there are no tunnels', async () => {
    const path = folder.path('plain.pcap');
    const bytes = buildFrame([
      { layer: 'ipv4', src: '10.0.0.1', dst: '10.0.0.2' },
      { layer: 'tcp', src: 1, dst: 2 },
    ]);
    writeFileSync(path, pcap([{ seconds: 1, nanoseconds: 0, bytes }]));
    const out = fresh();
    const { code, stdout } = await copperhull(['replay', path, '--out', out]);
    assert.equal(code, 0);
    assert.match(stdout, /no tunnels found\nno alerts\n/);
    assert.deepEqual(readdirSync(out), []);
  });

  it('takes several files as one story, in their order or merged by time', async () => {
    const { stdout } = await copperhull(['replay', SIX_IN_FOUR, MIREDO, '--out', fresh(), '--json']);
    const summary = JSON.parse(stdout) as { files: number; packets: number; tunnels: object };
    assert.deepEqual([summary.files, summary.packets, summary.tunnels], [2, 86, { teredo: 2, '6in4': 1 }]);
    const merged = await copperhull(['replay', '--merge', SIX_IN_FOUR, MIREDO, '--out', '-', '--quiet']);
    const times = merged.stdout
      .split('\n')
      .filter((line) => line.includes('DISCOVER'))
      .map((line) => Number(/"ts":([\d.]+)/.exec(line)![1]));
    assert.deepEqual(
      times,
      [...times].sort((a, b) => a - b),
    );
  });

  it('exits with 4 when an alert is as severe as --fail-on says', async () => {
    assert.equal((await copperhull(['replay', MIREDO, '--out', fresh(), '--fail-on', 'high'])).code, 4);
    assert.equal((await copperhull(['replay', MIREDO, '--out', fresh(), '--fail-on', 'critical'])).code, 0);
  });

  it('warns once, with the byte offset, of a file that is cut short, and processes what stands before', async () => {
    const path = folder.path('cut.pcap');
    const whole = readFileSync(MIREDO);
    writeFileSync(path, whole.subarray(0, whole.length - 10));
    const { code, stderr, stdout } = await copperhull(['replay', path, '--out', fresh()]);
    assert.equal(code, 0);
    assert.match(
      stderr,
      /warn: cut\.pcap ends in the middle of a packet at byte \d+; everything before it was processed\.\n$/,
    );
    assert.ok(isOneSentence(stderr));
    assert.match(stdout, /45 packets/);
  });

  it('keeps what stands before a length that lies, as whole lines, and exits with 1', async () => {
    const path = folder.path('lie.pcap');
    const content = Buffer.from(readFileSync(MIREDO));
    // Walk to the last record and let its captured length claim 4 GB.
    let at = 24;
    let last = at;
    while (at < content.length) {
      last = at;
      at += 16 + content.readUInt32LE(at + 8);
    }
    content.writeUInt32LE(0xffffffff, last + 8);
    writeFileSync(path, content);
    const out = fresh();
    const { code, stderr } = await copperhull(['replay', path, '--out', out]);
    assert.equal(code, 1);
    assert.ok(isOneSentence(stderr), stderr);
    assert.match(
      stderr,
      new RegExp(`lie\\.pcap: the record at byte ${last} claims 4294967295 captured octets`),
    );
    for (const line of readFileSync(join(out, 'notice.log'), 'utf8').trimEnd().split('\n'))
      validateLine('notice', line);
  });

  const refusals: [string, () => string, RegExp][] = [
    ['a file that is missing', () => folder.path('nothing.pcap'), /nothing\.pcap does not exist\./],
    ['a folder', () => folder.path('.'), /is a folder; name the capture files in it\./],
    [
      'a file that is no capture',
      () => {
        const path = folder.path('text.pcap');
        writeFileSync(path, 'this is a text, long enough to hold a header\n');
        return path;
      },
      /is not a pcap or pcapng capture/,
    ],
    [
      'a link type that cannot be read',
      () => {
        const path = folder.path('bluetooth.pcap');
        writeFileSync(
          path,
          pcap([{ seconds: 1, nanoseconds: 0, bytes: Uint8Array.of(1, 2, 3) }], { linkType: 187 }),
        );
        return path;
      },
      /bluetooth\.pcap has link type 187, which is not supported/,
    ],
    [
      'a modified pcap',
      () => {
        const path = folder.path('modified.pcap');
        writeFileSync(path, pcap([], { magic: 0xa1b2cd34 }));
        return path;
      },
      /modified pcap \(Kuznetzov/,
    ],
    [
      'a first record that lies',
      () => {
        const path = folder.path('first.pcap');
        const content = pcap([{ seconds: 1, nanoseconds: 0, bytes: new Uint8Array(4) }]);
        content.writeUInt32LE(0xfffffff0, 24 + 8);
        writeFileSync(path, content);
        return path;
      },
      /at byte 24 claims/,
    ],
  ];
  for (const [what, make, message] of refusals) {
    it(`refuses ${what} in one sentence, with exit code 1 and no output`, async () => {
      const out = fresh();
      const { code, stderr, stdout } = await copperhull(['replay', make(), '--out', out]);
      assert.equal(code, 1);
      assert.match(stderr, message);
      assert.ok(isOneSentence(stderr), stderr);
      assert.equal(stdout, '');
      assert.ok(!existsSync(out));
    });
  }

  it('does not overwrite logs unless told to', async () => {
    const out = fresh();
    await copperhull(['replay', MIREDO, '--out', out, '--quiet']);
    const again = await copperhull(['replay', SIX_IN_FOUR, '--out', out, '--quiet']);
    assert.equal(again.code, 1);
    assert.match(
      again.stderr,
      /holds notice\.log and tunnel\.log already; name another folder or add --overwrite\./,
    );
    assert.equal((await copperhull(['replay', SIX_IN_FOUR, '--out', out, '--quiet', '--overwrite'])).code, 0);
    assert.ok(!readFileSync(join(out, 'notice.log'), 'utf8').includes('teredo'));
    const plain = folder.path('plain.pcap');
    assert.equal((await copperhull(['replay', plain, '--out', out, '--quiet', '--overwrite'])).code, 0);
    assert.deepEqual(readdirSync(out), []);
  });

  it('reads the files behind a damaged one, and still exits with 1', async () => {
    const { code, stdout, stderr } = await copperhull([
      'replay',
      folder.path('lie.pcap'),
      SIX_IN_FOUR,
      '--out',
      fresh(),
      '--json',
    ]);
    assert.equal(code, 1);
    assert.match(stderr, /lie\.pcap: the record at byte/);
    assert.deepEqual((JSON.parse(stdout) as { tunnels: object }).tunnels, { teredo: 2, '6in4': 1 });
  });

  it('reads pipes as later files too', () => {
    const script = '"$1" "$2" replay "$3" <(cat "$4") --out - --quiet | grep -c DISCOVER';
    const given = ['bash', ...builtCommand(), SIX_IN_FOUR, MIREDO];
    const result = spawnSync('bash', ['-c', script, ...given], { encoding: 'utf8' });
    assert.equal(result.stdout, '3\n', result.stderr);
  });

  it('lets a list of one’s own replace a shipped one', async () => {
    const rules = fresh();
    mkdirSync(rules);
    writeFileSync(join(rules, 'lists.yaml'), '- list: irc_ports\n  type: port\n  items: [1]\n');
    const { stdout, code } = await copperhull([
      'replay',
      MIREDO,
      '--out',
      fresh(),
      '--json',
      '--rules',
      rules,
    ]);
    assert.equal(code, 0);
    assert.ok(!('inner-irc-port' in (JSON.parse(stdout) as { alerts: object }).alerts));
  });

  it('answers wrong usage with exit code 2 and a hint', async () => {
    for (const args of [
      ['replay'],
      ['replay', MIREDO, '--no-such-option'],
      ['replay', MIREDO, '--local-net', '10.0.0.1/8'],
      ['replay', MIREDO, '--vantage', 'above'],
      ['replay', MIREDO, '--fail-on', 'terrible'],
      ['replay', MIREDO, '--max-depth', '0'],
      ['replay', MIREDO, '--6rd', 'nonsense'],
      ['replay', '-', '-'],
      ['nonsense'],
    ]) {
      const { code, stderr, stdout } = await copperhull(args);
      assert.equal(code, 2, args.join(' '));
      assert.ok(stderr.length > 0 && stdout === '', args.join(' '));
    }
  });

  it('exits with 3 for rules that are wrong, with file, line, column and caret', async () => {
    const rules = fresh();
    mkdirSync(rules);
    writeFileSync(join(rules, 'mine.yaml'), '- list: a\n  type: prt\n  items: [1]\n');
    const { code, stderr } = await copperhull(['replay', MIREDO, '--rules', rules]);
    assert.equal(code, 3);
    assert.match(
      stderr,
      /mine\.yaml:2:9: "prt" is not one of port, ip, number, string; did you mean "port"\?\n.*\n.*\^\^\^/,
    );
  });

  it('uses rules of one’s own beside the shipped ones, or alone', async () => {
    const rules = fresh();
    mkdirSync(rules);
    writeFileSync(
      join(rules, 'mine.yaml'),
      `- rule: my-rule
  rev: 1
  title: HTTP inside a tunnel
  on: flow
  severity: low
  status: test
  condition: inner.dst_port == 80
  note: Site::HTTP_In_Tunnel
  message: "{inner.src} -> {inner.dst}"
  tests: [{ name: none, hex: ["00"], expect: [] }]
`,
    );
    const alerts = async (...flags: string[]): Promise<string[]> => {
      const { stdout } = await copperhull([
        'replay',
        MIREDO,
        '--out',
        fresh(),
        '--json',
        '--rules',
        rules,
        ...flags,
      ]);
      return Object.keys((JSON.parse(stdout) as { alerts: object }).alerts).sort();
    };
    assert.deepEqual(await alerts(), ['inner-irc-port', 'my-rule', 'tunnel-in-use', 'zombie-relay-endpoint']);
    assert.deepEqual(await alerts('--no-default-rules'), ['my-rule']);
  });

  it('lets no octet of a file name reach the terminal as a control sequence', async () => {
    const { stderr } = await copperhull(['replay', folder.path('evil\u001b[31m\n.pcap')]);
    assert.ok(!stderr.includes('\u001b'));
    assert.ok(isOneSentence(stderr));
  });
});

describe('copperhull rules', function () {
  this.timeout(30_000);

  it('lists, lints and tests the shipped rules', async () => {
    const list = await copperhull(['rules', 'list']);
    assert.match(list.stdout, /^RULE +REV +SEVERITY/);
    assert.match(list.stdout, /inner-irc-port +1 +high +flow +stable/);
    const lint = await copperhull(['rules', 'lint', '--json']);
    assert.deepEqual((JSON.parse(lint.stdout) as { warnings: unknown[] }).warnings, []);
    const test = await copperhull(['rules', 'test']);
    assert.equal(test.code, 0);
    assert.match(test.stdout, /^\d+ rule tests passed, 0 failed\n$/);
  });

  it('shows the fields that a rule may name', async () => {
    const { stdout } = await copperhull(['rules', 'fields', '--json']);
    const fields = JSON.parse(stdout) as { name: string; type: string }[];
    assert.ok(fields.some(({ name, type }) => name === 'teredo.src_client' && type === 'ip'));
  });
});

describe('copperhull address', function () {
  this.timeout(30_000);
  const explain = async (...args: string[]): Promise<Record<string, unknown>> =>
    JSON.parse((await copperhull(['address', '--json', ...args])).stdout) as Record<string, unknown>;

  it('explains a Teredo address bit by bit, with the XOR and what is known of its server', async () => {
    const { stdout, code } = await copperhull([
      'address',
      '2001:0:4137:9e50:8000:f12a:b9c8:2815',
      '--outer',
      '70.55.215.234:3797',
    ]);
    assert.equal(code, 0);
    assert.match(stdout, /server 65\.55\.158\.80/);
    assert.match(stdout, /0xf12a XOR 0xffff = 0x0ed5 = 3797/);
    assert.match(stdout, /!! server is listed: teredo\.ipv6\.microsoft\.com, server, withdrawn/);
    assert.match(stdout, /ok the outer address 70\.55\.215\.234 is the embedded one/);
  });

  it('tells the old prefix, 6to4, ISATAP, 6rd, NAT64 and embedded forms apart', async () => {
    const cases: [string[], RegExp, Record<string, unknown>][] = [
      [
        ['3ffe:831f:8ac3:9ddd:0:3650:ba0c:d759'],
        /before RFC 4380/,
        { server: '138.195.157.221', flags: '0x0000', client: '69.243.40.166', client_port: 51631 },
      ],
      [['2002:5183:4383::1'], /6to4/, { router: '81.131.67.131' }],
      [['fe80::200:5efe:81.187.10.2'], /ISATAP/, { host: '81.187.10.2' }],
      [['2a01:e00:51bb:a02::1', '--6rd', '2a01:e00::/32'], /6rd/, { customer: '81.187.10.2' }],
      [['64:ff9b::192.0.2.33'], /NAT64/, { host: '192.0.2.33' }],
      [
        ['fe80::8000:f227:bec8:6189'],
        /link-local address of a Teredo server/,
        { server: '65.55.158.118', port: '3544' },
      ],
      [['::ffff:192.0.2.1'], /IPv4 address/, { host: '192.0.2.1' }],
      [['::192.0.2.1'], /IPv4-compatible/, { host: '192.0.2.1' }],
      [['2001:db8::1'], /documentation/, {}],
      [['2a02::211:22ff:fe33:4455'], /global unicast/, {}],
    ];
    for (const [args, kind, embedded] of cases) {
      const explanation = await explain(...args);
      assert.match(String(explanation['kind']), kind, args[0]);
      assert.deepEqual(explanation['embedded'], embedded, args[0]);
    }
  });

  it('says which side mistook the XOR when only the raw form matches', async () => {
    const raw = '2001:0:4137:9e50:8000:f12a:b9c8:2815'; // b9c8:2815 as it stands is 185.200.40.21
    const text = JSON.stringify((await explain(raw, '--outer', '185.200.40.21'))['verdicts']);
    assert.match(text, /only as it stands, not inverted: whoever made the address forgot the XOR/);
    const port = JSON.stringify((await explain(raw, '--outer', '70.55.215.234:61738'))['verdicts']);
    assert.match(port, /forgot to invert the port/);
    const sixtofour = JSON.stringify(
      (await explain('2002:5183:4383::1', '--outer', '174.124.188.124'))['verdicts'],
    );
    assert.match(sixtofour, /someone applied the XOR of Teredo/);
  });

  it('is honest about private outer addresses', async () => {
    const text = JSON.stringify(
      (await explain('2001:0:4137:9e50:8000:f12a:b9c8:2815', '--outer', '192.168.2.16'))['verdicts'],
    );
    assert.match(text, /inside a NAT this says nothing/);
  });

  it('refuses what is no address with exit code 2', async () => {
    for (const args of [
      ['nonsense'],
      ['2001:db8::1', '--outer', 'x'],
      ['2001:db8::1', '--outer', '1.2.3.4:99999'],
    ]) {
      assert.equal((await copperhull(['address', ...args])).code, 2, args.join(' '));
    }
  });
});

describe('copperhull', function () {
  this.timeout(30_000);

  it('has help with an example for every command, and a version', async () => {
    for (const args of [
      [],
      ['replay'],
      ['decode'],
      ['rules', 'list'],
      ['rules', 'test'],
      ['rules', 'lint'],
      ['rules', 'fields'],
      ['address'],
    ]) {
      const { code, stdout } = await copperhull([...args, '--help']);
      assert.equal(code, 0);
      assert.match(stdout, /Examples?:\n {2}\$ copperhull/, args.join(' '));
    }
    const { stdout } = await copperhull(['--version']);
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  });
});
