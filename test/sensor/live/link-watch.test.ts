import assert from 'node:assert/strict';
import type { InterfaceDescription } from '../../../src/capture/native-addon.js';
import { LinkWatch } from '../../../src/sensor/live/link-watch.js';

function described(name: string, isUp: boolean, isRunning: boolean): InterfaceDescription {
  return { name, description: '', isUp, isRunning, isLoopback: false, addresses: [] };
}

describe('a watch over links', () => {
  const captures = [{ label: 'span', name: 'eth1', isCapturing: true }];
  let list: InterfaceDescription[] = [];
  let told: string[] = [];
  const watch = (): LinkWatch =>
    new LinkWatch(
      () => list,
      ({ event, label, reason }) => told.push(`${label} ${event} ${reason}`.trim()),
    );
  beforeEach(() => {
    told = [];
    list = [described('eth1', true, true)];
  });

  it('tells once when an interface is down or without carrier, and when it is up again', () => {
    const links = watch();
    links.look(captures);
    for (const state of [described('eth1', false, false), described('eth1', true, false)]) {
      list = [state];
      for (let i = 0; i < 3; i++) links.look(captures);
    }
    list = [described('eth1', true, true)];
    for (let i = 0; i < 3; i++) links.look(captures);
    assert.deepEqual(told, ['span link-down down', 'span link-down without carrier', 'span link-up']);
  });

  it('tells of an interface that was down when the sensor began', () => {
    list = [described('eth1', true, false)];
    const links = watch();
    links.look(captures);
    links.look(captures);
    assert.deepEqual(told, ['span link-down without carrier']);
  });

  it('tells once that interfaces cannot be listed, and goes on looking', () => {
    let fault = true;
    const links = new LinkWatch(
      () => {
        if (fault) throw new Error('no netlink');
        return list;
      },
      ({ event, reason }) => told.push(`${event} ${reason}`.trim()),
    );
    for (let i = 0; i < 3; i++) links.look(captures);
    fault = false;
    list = [described('eth1', false, false)];
    for (let i = 0; i < 3; i++) links.look(captures);
    assert.deepEqual(told, ['link-unknown no netlink', 'link-down down']);
  });

  it('says nothing of a link that flaps, of any, and of what is gone', () => {
    const links = watch();
    for (let i = 0; i < 6; i++) {
      list = [described('eth1', true, i % 2 === 0)];
      links.look(captures);
    }
    list = [];
    links.look(captures);
    links.look([{ label: 'all', name: 'any', isCapturing: true }]);
    assert.deepEqual(told, []);
  });
});
