import { randomBytes } from 'node:crypto';
import type { LogRecord, PacketTime } from '../model/records.js';
import { JsonLine } from './json-line.js';
import { UID_KIND, UidMaker } from './uid.js';

/** The notice type of a sink that cannot deliver. */
export const DELIVERY_OUTAGE = 'TunnelAbuse::Delivery_Outage';

export interface DeliveryNotice {
  readonly time: PacketTime;
  readonly event: 'began' | 'ended';
  readonly message: string;
  readonly sensor: string;
}

/** A notice about the sensor itself: Zeek's columns that need no connection, then ours. */
export function deliveryNotice(notice: DeliveryNotice): LogRecord {
  const severity = notice.event === 'began' ? 'high' : 'informational';
  const line = new JsonLine()
    .time('ts', notice.time)
    .plain('note', DELIVERY_OUTAGE)
    .string('msg', notice.message)
    .plain('sub', notice.event)
    .string('peer_descr', notice.sensor)
    .strings('actions', ['Notice::ACTION_LOG'])
    .strings('email_dest', [])
    .interval('suppress_for', 0)
    .plain('alert_id', randomAlertId())
    .plain('severity', severity)
    .string('sensor', notice.sensor);
  return {
    log: 'notice',
    time: notice.time,
    severity,
    keys: { uid: undefined, communityId: undefined, outerPair: undefined, sensor: notice.sensor },
    json: line.toString(),
  };
}

/* Nothing identifies an outage but itself. */
function randomAlertId(): string {
  const maker = new UidMaker(0);
  const words = 4;
  for (let i = 0; i < words; i++) maker.words[UidMaker.FIRST + i] = randomBytes(4).readUInt32LE();
  return maker.make(UID_KIND.alert, words, 'A');
}
