import { DROP_KINDS } from '../model/records.js';
import type { MetricDefinition, Read } from './metric-definition.js';
import { counter, gauge } from './metric-definition.js';
import type { CaptureSnapshot } from './sensor-snapshot.js';

const ofCaptures =
  (read: (capture: CaptureSnapshot) => number | undefined): Read =>
  ({ captures }) =>
    captures.flatMap((capture) => {
      const value = read(capture);
      return value === undefined ? [] : [[value, capture.interface] as const];
    });

export const CAPTURE_METRICS: readonly MetricDefinition[] = [
  gauge('copperhull_capture_open', '1', ['interface'], 'Whether the interface is captured now.', (snapshot) =>
    snapshot.captures.map((capture) => [capture.isOpen ? 1 : 0, capture.interface]),
  ),
  counter(
    'copperhull_capture_packets',
    'packets',
    ['interface'],
    'Passed the capture filter, dropped ones included.',
    ofCaptures(({ received }) => received),
  ),
  counter(
    'copperhull_capture_delivered_packets',
    'packets',
    ['interface'],
    'Handed to the analysis.',
    ofCaptures(({ delivered }) => delivered),
  ),
  counter(
    'copperhull_capture_dropped_packets',
    'packets',
    ['interface', 'reason'],
    `Lost before anybody looked at them. Reasons: ${DROP_KINDS.join(', ')}. A reason that the driver cannot tell has no series.`,
    ({ captures }) =>
      captures.flatMap((capture) => {
        const { kernelDrops, interfaceDrops, ringFull, unread } = capture;
        const drops = { kernel: kernelDrops, interface: interfaceDrops, ring_full: ringFull, unread };
        return DROP_KINDS.flatMap((reason) => {
          const count = drops[reason];
          return count === 'unknown' ? [] : [[count, capture.interface, reason] as const];
        });
      }),
  ),
  counter(
    'copperhull_capture_bytes',
    'bytes',
    ['interface'],
    'Octets on the wire of the packets that were handed to the analysis.',
    ofCaptures(({ bytes }) => bytes),
  ),
  counter(
    'copperhull_capture_interruptions',
    'events',
    ['interface'],
    'Times that the interface went away.',
    ofCaptures(({ interruptions }) => interruptions),
  ),
];
