import assert from 'node:assert/strict';
import { FILTER_WORDS } from '../../../src/config/definition/capture.js';
import { parseConfig } from '../../../src/config/load.js';
import type { Rule } from '../../../src/rules/rule.js';
import { readRuleSet } from '../../../src/rules/rule-set.js';
import { readSchema } from '../../../src/sensor/package-files.js';
import { kernelFilter, rulesBehindFilter } from '../../../src/sensor/live/kernel-filter.js';
import type { CaptureSurroundings } from '../../../src/sensor/live/rule-needs.js';
import { needsOf } from '../../../src/sensor/live/rule-needs.js';
import { loadRules } from '../../../src/sensor/load.js';
import { LINK_TYPE } from '../../../src/wire/numbers.js';

const SHIPPED = loadRules([]).rules;
const INTERFACE = parseConfig('c.yaml', 'interfaces: [{ name: eth1 }]', {}, '/').config.interfaces[0]!;

function surroundings(text: string, loadedRules: readonly Rule[]): CaptureSurroundings {
  return { ...parseConfig('c.yaml', text, {}, '/').config, loadedRules };
}

function ruleAbout(condition: string): Rule {
  const text = `- rule: own-rule
  rev: 1
  title: Rule of the test
  on: packet
  severity: low
  status: test
  condition: ${condition}
  note: TunnelAbuse::Own_Rule
  message: own rule
  detections: [D17]
  references: [RFC 4213]
  false_positives: None.
  tests:
    - name: none
      packets: [[ipv4: { src: 192.0.2.1, dst: 192.0.2.2 }, ipv6: { src: '2001:db8::1', dst: '2001:db8::2' }]]
      expect: []
`;
  return readRuleSet([{ name: 'own.yaml', text }], readSchema('rules.schema.json')).rules[0]!;
}

describe('what the automatic filter passes for the loaded rules', () => {
  it('is tunnels alone for the shipped ones, because none is about anything else', () => {
    const { dnsPorts, brokerPorts, nativeIpv6, icmp, teredoPorts } = needsOf(
      LINK_TYPE.ETHERNET,
      surroundings('', SHIPPED),
    );
    const told = brokerPorts.map(({ port }) => port);
    assert.deepEqual(
      [dnsPorts, told, nativeIpv6, icmp, teredoPorts],
      [[], [3653, 3653, 3740, 3874], false, false, [3544]],
    );
  });

  it('is more where rules of an event see more, and less again without them', () => {
    const seenBy = { packet: [], flow: ['dnsPorts', 'nativeIpv6'], tunnel: ['brokerPorts'] } as const;
    const needs = (on: Rule['on'][]) =>
      needsOf(
        LINK_TYPE.ETHERNET,
        surroundings(
          '',
          SHIPPED.filter((rule) => on.includes(rule.on)),
        ),
        seenBy,
      );
    const all = needs(['packet', 'flow', 'tunnel']);
    assert.deepEqual([all.dnsPorts, all.nativeIpv6, all.brokerPorts.length], [[53, 5355], true, 6]);
    const few = needs(['packet', 'tunnel']);
    assert.deepEqual([few.dnsPorts, few.nativeIpv6, few.brokerPorts.length], [[], false, 6]);
  });

  it('is name lookups, native IPv6 and ICMP too when a census is configured', () => {
    const { dnsPorts, brokerPorts, nativeIpv6, icmp } = needsOf(
      LINK_TYPE.ETHERNET,
      surroundings('census: { enabled: true }', SHIPPED),
    );
    const told = brokerPorts.map(({ port }) => port);
    assert.deepEqual([dnsPorts, told, nativeIpv6, icmp], [[53, 5355], [3653, 3653, 3740, 3874], true, true]);
    const text = (configured: string): string =>
      kernelFilter(INTERFACE, surroundings(configured, SHIPPED), LINK_TYPE.ETHERNET).text;
    assert.match(text('census: { enabled: true }'), /port 53\b/);
    assert.equal(text('census: { enabled: false, intervalMs: 60000 }'), text(''));
  });

  it('has the configured VXLAN ports and carriers', () => {
    const text = 'vxlanPorts: [4790]\ncapture: { carriers: { qinq: false, mpls: true } }';
    const filter = kernelFilter(INTERFACE, surroundings(text, SHIPPED), LINK_TYPE.ETHERNET);
    assert.match(filter.text, /udp dst port 4790/);
    assert.doesNotMatch(filter.text, /4789|port 53\b/);
    assert.match(filter.text, /0x8847/);
    assert.ok(filter.hides.includes('Name lookups.'));
  });

  it('hides what ends a tunnel in the strict profile, and says so', () => {
    const hides = (text: string): string =>
      kernelFilter(INTERFACE, surroundings(text, SHIPPED), LINK_TYPE.ETHERNET).hides.join('\n');
    assert.match(hides('profile: strict'), /Datagrams of a Teredo flow that are no Teredo/);
    assert.doesNotMatch(hides(''), /that are no Teredo/);
  });
});

describe('rules that ask for what is hidden', () => {
  const vlan = ruleAbout('packet.inner_vlan == 5 or packet.vlan == 5');
  const behind = (
    text: string,
    rule: Rule,
    linkType: number = LINK_TYPE.ETHERNET,
    filter: string = FILTER_WORDS.automatic,
  ) => rulesBehindFilter({ ...INTERFACE, filter }, surroundings(text, [rule]), linkType);
  const NO_QINQ = 'capture: { carriers: { qinq: false } }';
  const NO_TAGS = 'capture: { carriers: { qinq: false, vlan: false } }';

  it('are named, with the key that shows it', () => {
    assert.deepEqual(behind(NO_QINQ, vlan), [
      'Rule own-rule reads packet.inner_vlan, but the filter may hide frames with such tags; set capture.carriers.qinq to true.',
    ]);
    assert.equal(behind(NO_TAGS, vlan).length, 2);
    assert.deepEqual(behind('vxlanPorts: []', ruleAbout('tunnel.kind == vxlan')), [
      'Rule own-rule is about VXLAN alone, but none is opened; name its ports in vxlanPorts.',
    ]);
  });

  it('are no others: none of the shipped, none where tags pass or cannot be', () => {
    for (const rule of SHIPPED) assert.deepEqual(behind(NO_TAGS, rule), []);
    assert.deepEqual(behind('', vlan), []);
    assert.deepEqual(behind(NO_QINQ, vlan, LINK_TYPE.LINUX_SLL), []);
    assert.deepEqual(behind(NO_TAGS, vlan, LINK_TYPE.RAW), []);
    assert.deepEqual(behind(NO_TAGS, vlan, LINK_TYPE.ETHERNET, 'ip'), []);
  });
});
