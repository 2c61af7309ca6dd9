import { randomBytes } from 'node:crypto';
import type { Profile } from '../model/profile.js';
import type { LogRecord, PacketTime } from '../model/records.js';
import { JsonLine } from './json-line.js';
import { UID_KIND, UidMaker } from './uid.js';

/**
 * Notice types of what the sensor says about itself: a sink cannot deliver, an interface cannot be captured on, packets
 * were dropped (Zeek's own name). A test holds schemas/zeek-notice.schema.json and deploy/zeek/copperhull.zeek to them.
 */
export const OWN_NOTE = {
  deliveryOutage: 'TunnelAbuse::Delivery_Outage',
  captureOutage: 'TunnelAbuse::Capture_Outage',
  captureLoss: 'CaptureLoss::Too_Much_Loss',
} as const;
export type OwnNote = (typeof OWN_NOTE)[keyof typeof OWN_NOTE];

/** Something about the sensor that begins, and ends. */
export interface OwnNotice {
  readonly note: OwnNote;
  readonly time: PacketTime;
  readonly event: 'began' | 'ended';
  readonly message: string;
  readonly sensor: string;
}

/** A notice about the sensor itself: Zeek's columns that need no connection, then ours. */
export function ownNotice(
  { note, time, event, message, sensor }: OwnNotice,
  profile: Profile = 'extended',
): LogRecord {
  const severity = event === 'began' ? 'high' : 'informational';
  const line = new JsonLine(profile)
    .time('ts', time)
    .plain('note', note)
    .string('msg', message)
    .plain('sub', event)
    .string('peer_descr', sensor)
    .strings('actions', ['Notice::ACTION_LOG'])
    .strings('email_dest', [])
    .interval('suppress_for', 0)
    .beyondZeek()
    .plain('alert_id', randomAlertId())
    .plain('severity', severity)
    .string('sensor', sensor);
  return {
    log: 'notice',
    time,
    severity,
    keys: { uid: undefined, communityId: undefined, outerPair: undefined, sensor },
    json: line.toString(),
  };
}

/* Nothing identifies such a notice but itself. */
function randomAlertId(): string {
  const maker = new UidMaker(0);
  const words = 4;
  for (let i = 0; i < words; i++) maker.words[UidMaker.FIRST + i] = randomBytes(4).readUInt32LE();
  return maker.make(UID_KIND.alert, words, 'A');
}
