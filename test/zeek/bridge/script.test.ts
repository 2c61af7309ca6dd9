import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ALERT_FIELDS } from '../../../src/sink/zeek-bridge/alert-value.js';
import { hello, INTERFACE_VERSION, replyTopic, TOPIC } from '../../../src/sink/zeek-bridge/bridge-events.js';
import { OWN_NOTE } from '../../../src/zeek/own-notice.js';
import { assertFits, readScript } from '../../support/zeek-script.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const BRIDGE = join(ROOT, 'src/zeek/bridge');

describe('copperhull.zeek', () => {
  const script = readScript();

  it('has the fields of an alert in the order in which they are sent', () => {
    assert.deepEqual(
      script.records.get('Alert')?.map(({ name }) => name),
      ALERT_FIELDS.map(([field]) => field),
    );
  });

  it('can take the sample that is sent first, with every field set', () => {
    const [version, sample] = hello().args;
    assert.equal(version?.type, 'count');
    assertFits(sample, 'Alert', script);
    assert.ok(sample?.type === 'vector' && sample.items.every((item) => item.type !== 'none'));
  });

  it('declares every notice of the shipped rules, and what the sensor says about itself', () => {
    const folder = join(ROOT, 'rules');
    const notes = readdirSync(folder)
      .filter((name) => name.endsWith('.yaml'))
      .flatMap((name) => [...readFileSync(join(folder, name), 'utf8').matchAll(/^\s*note: ([\w:]+)/gm)])
      .map(([, note]) => note!);
    assert.ok(notes.length > 10);
    const known = [...script.noticeTypes, ...script.guardedNames];
    for (const note of [...notes, ...Object.values(OWN_NOTE)]) {
      assert.ok(known.includes(note), `Notice::Type has ${note}`);
      assert.equal(script.noticeNames.get(note), note, `note_types has ${note}`);
    }
    for (const [name, type] of script.noticeNames) {
      assert.equal(name, type);
      assert.ok(known.includes(type));
    }
    assert.ok(script.noticeTypes.includes('TunnelAbuse::Other'));
  });

  it('has the version and the topics of the sensor', () => {
    assert.equal(script.constants.get('interface_version'), String(INTERFACE_VERSION));
    assert.equal(script.constants.get('topic'), `"${TOPIC}"`);
    assert.equal(script.constants.get('reply_topic'), `"${replyTopic('')}"`);
  });

  it('listens on loopback unless it is told otherwise', () => {
    assert.equal(script.constants.get('listen_addr'), '127.0.0.1');
    assert.equal(script.constants.get('listen_port'), '27759/tcp');
  });
});

describe('the folder of the bridge', () => {
  it('imports nothing of the rest of the project, so that it can be a package of its own', () => {
    const foreign = readdirSync(BRIDGE).flatMap((name) =>
      [...readFileSync(join(BRIDGE, name), 'utf8').matchAll(/from '([^']+)'/g)]
        .map(([, target]) => target!)
        .filter((target) => target !== 'ws' && !target.startsWith('node:'))
        .filter((target) => dirname(resolve(BRIDGE, target)) !== BRIDGE)
        .map((target) => `${name} imports ${target}`),
    );
    assert.deepEqual(foreign, []);
  });
});
