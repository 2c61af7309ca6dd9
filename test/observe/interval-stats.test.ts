import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { LogRecord } from '../../src/model/records.js';
import { captureLossBetween, growth, statsBetween } from '../../src/observe/interval-stats.js';
import { LossWatch } from '../../src/observe/loss-watch.js';
import type { CaptureSnapshot } from '../../src/observe/sensor-snapshot.js';
import { IntervalRecords } from '../../src/sensor/interval-records.js';
import { validateRecords } from '../support/record-schemas.js';
import { ANALYSIS, CAPTURE, later, SINK, SNAPSHOT } from '../support/snapshots.js';

/** A capture that received and dropped so many more. */
function grown(received: number, drops: Partial<CaptureSnapshot> = {}): CaptureSnapshot {
  return { ...CAPTURE, received: CAPTURE.received + received, ...drops };
}

describe('the growth of a counter', () => {
  it('is the difference, and the whole count when it went down or is new', () => {
    assert.equal(growth(10, 15), 5);
    assert.equal(growth(10, 10), 0);
    assert.equal(growth(10, 3), 3);
    assert.equal(growth(undefined, 7), 7);
  });

  it('is never below zero, nor more than the counter', () => {
    fc.assert(
      fc.property(fc.option(fc.nat(), { nil: undefined }), fc.nat(), (before, now) => {
        const grew = growth(before, now);
        assert.ok(grew >= 0 && grew <= now);
      }),
    );
  });
});

describe('stats of an interval', () => {
  it('are what grew between two snapshots, and how full things are at its end', () => {
    const now = later(300, {
      captures: [grown(500, { kernelDrops: 24, ringFull: 11 })],
      analysis: {
        packets: 1470,
        tunnelPackets: 1000,
        flows: 10,
        tunnelsByKind: { teredo: 4, '6in4': 1, gre: 1 },
        alerts: { ...ANALYSIS.alerts, high: 5 },
        lagSeconds: 1.5,
        queue: { ...ANALYSIS.queue, dropped: 2 },
      },
      sinks: [{ ...SINK, overflowed: 9 }],
    });
    const stats = statsBetween(SNAPSHOT, now);
    assert.equal(stats.seconds, 300);
    assert.equal(stats.packets, 500);
    assert.equal(stats.bytes, 0);
    assert.equal(stats.linkPackets, 500);
    assert.equal(stats.droppedPackets, 5);
    assert.equal(stats.tunnelPackets, 100);
    assert.equal(stats.tunnels, 3);
    assert.equal(stats.flows, 3);
    assert.equal(stats.activeTunnels, 3);
    assert.equal(stats.activeFlows, 6);
    assert.equal(stats.alerts, 3);
    assert.equal(stats.evictions, 0);
    assert.equal(stats.lagSeconds, 1.5);
    assert.equal(stats.droppedRecords, 9);
  });

  it('count from the start of the sensor when there is no snapshot before', () => {
    const stats = statsBetween(undefined, SNAPSHOT);
    assert.equal(stats.seconds, 1000);
    assert.equal(stats.packets, 970);
    assert.equal(stats.evictions, 3);
  });

  it('count from zero what was started anew meanwhile', () => {
    const stats = statsBetween(
      SNAPSHOT,
      later(60, { analysis: { packets: 40 }, captures: [{ ...CAPTURE, received: 50 }] }),
    );
    assert.equal(stats.packets, 40);
    assert.equal(stats.linkPackets, 50);
  });

  it('take the length of the interval from a clock that nobody sets', () => {
    const now = { ...later(300), time: { seconds: 1, nanoseconds: 0 } };
    assert.equal(statsBetween(SNAPSHOT, now).seconds, 300);
  });

  it('say nothing of drops where nothing is captured', () => {
    const stats = statsBetween(undefined, { ...SNAPSHOT, captures: [] });
    assert.equal(stats.droppedPackets, undefined);
    assert.equal(stats.linkPackets, undefined);
  });
});

describe('capture loss of an interval', () => {
  it('is the share of all packets that there were, those that the interface dropped included', () => {
    const [loss] = captureLossBetween(
      SNAPSHOT,
      later(900, { captures: [grown(90, { kernelDrops: 24, interfaceDrops: 15, ringFull: 16 })] }),
    );
    assert.deepEqual(loss!.drops, { kernel: 4, interface: 10, ring_full: 6, unread: 0 });
    assert.equal(loss!.lost, 20);
    assert.equal(loss!.expected, 100);
    assert.equal(loss!.percentLost, 20);
    assert.equal(loss!.seconds, 900);
  });

  it('is zero when nothing came', () => {
    const [loss] = captureLossBetween(SNAPSHOT, later(900));
    assert.equal(loss!.percentLost, 0);
    assert.equal(loss!.expected, 0);
  });

  it('leaves out what the driver cannot tell', () => {
    const unknown = { kernelDrops: 'unknown', interfaceDrops: 'unknown', unread: 'unknown' } as const;
    const [loss] = captureLossBetween(
      SNAPSHOT,
      later(60, { captures: [grown(10, { ...unknown, ringFull: 11 })] }),
    );
    assert.deepEqual(loss!.drops, { ring_full: 1 });
    assert.equal(loss!.percentLost, 10);
  });

  it('is between 0 and 100 percent whatever the counters say', () => {
    const count = fc.oneof(fc.nat(2000), fc.constant('unknown' as const));
    const counts = fc.record({
      received: fc.nat(2000),
      kernelDrops: count,
      interfaceDrops: count,
      ringFull: count,
      unread: count,
    });
    fc.assert(
      fc.property(counts, counts, (a, b) => {
        const before = later(0, { captures: [{ ...CAPTURE, ...a }] });
        const [loss] = captureLossBetween(before, later(60, { captures: [{ ...CAPTURE, ...b }] }));
        assert.ok(loss!.percentLost >= 0 && loss!.percentLost <= 100);
        assert.ok(loss!.lost <= loss!.expected);
      }),
    );
  });
});

describe('a watch over loss', () => {
  const losing = later(60, { captures: [grown(100, { kernelDrops: 25 })] });
  const fine = later(60, { captures: [grown(1000, { kernelDrops: 25 })] });
  const none = later(60, { captures: [] });
  const judge = (watch: LossWatch, now: typeof losing) => watch.judge(captureLossBetween(SNAPSHOT, now));

  it('tells once when it begins and once when it is over', () => {
    const watch = new LossWatch(1);
    const [began, ...more] = judge(watch, losing);
    assert.deepEqual(more, []);
    assert.equal(
      began!.message,
      'Interface eth1 lost 5 of 100 packets (5.000 %) in 60 seconds, more than 1 %: kernel 5.',
    );
    assert.deepEqual(judge(watch, losing), []);
    const [ended] = judge(watch, fine);
    assert.equal(ended!.event, 'ended');
    assert.equal(
      ended!.message,
      'Interface eth1 no longer loses more than 1 % of its packets: 5 of 1000 packets (0.500 %) in 60 seconds.',
    );
    assert.deepEqual(judge(watch, fine), []);
  });

  it('is silent at the threshold itself', () => {
    assert.deepEqual(judge(new LossWatch(5), losing), []);
  });

  it('ends what it began when the interface is no longer captured, and forgets it', () => {
    const watch = new LossWatch(1);
    judge(watch, losing);
    const [ended] = judge(watch, none);
    assert.equal(ended!.event, 'ended');
    assert.match(ended!.message, /no longer captured/);
    assert.deepEqual(judge(watch, none), []);
  });
});

describe('the records of an interval', () => {
  it('are one of stats, one of loss for each interface, and notices when loss begins and ends', () => {
    const records: LogRecord[] = [];
    const intervals = new IntervalRecords({ tooMuchLossPercent: 1, emit: (record) => records.push(record) });
    const second = {
      ...CAPTURE,
      interface: 'eth2',
      received: 0,
      kernelDrops: 0,
      interfaceDrops: 0,
      ringFull: 0,
    };
    intervals.take(later(0, { captures: [grown(100_000), second] }));
    assert.deepEqual(
      records.map(({ log }) => log),
      ['stats', 'capture_loss', 'capture_loss'],
    );
    intervals.take(later(60, { captures: [grown(100_100, { kernelDrops: 90 }), second] }));
    intervals.take(later(120, { captures: [grown(200_000, { kernelDrops: 90 }), second] }));
    validateRecords(records);
    const notices = records
      .filter(({ log }) => log === 'notice')
      .map(({ json }) => JSON.parse(json) as Record<string, unknown>);
    assert.deepEqual(
      notices.map((notice) => [notice['note'], notice['sub'], notice['severity']]),
      [
        ['CaptureLoss::Too_Much_Loss', 'began', 'high'],
        ['CaptureLoss::Too_Much_Loss', 'ended', 'informational'],
      ],
    );
    assert.equal(records.length, 11);
  });
});
