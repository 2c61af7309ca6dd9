import type { LogRecord } from '../../model/records.js';
import type { ZeekEvent, ZeekValue } from '../../zeek/bridge/index.js';
import { address, count, NONE, port, real, string, vector } from '../../zeek/bridge/index.js';
import { ALERT_FIELDS, alertValue, epochSeconds } from './alert-value.js';

/*
 * The events of deploy/zeek/copperhull.zeek. Every one begins with the session, a random name of the connection: Zeek
 * counts by it what it has handled, and answers on a topic of its own.
 */

/** Version of the script's events; changes with their arguments. A test compares it with the script. */
export const INTERFACE_VERSION = 1;
/** Where the script listens. */
export const TOPIC = '/copperhull/events';
const REPLY_TOPIC = '/copperhull/replies/';

/** Where the script answers a session. */
export function replyTopic(session: string): string {
  return REPLY_TOPIC + session;
}

/** What a record becomes; the session is put before the arguments when it is sent. */
export interface BridgeEvent {
  readonly name: string;
  readonly args: readonly ZeekValue[];
}

/** The event of a record. Throws an UnfitNotice or a ZeekValueError. */
export function bridgeEvent(record: LogRecord): BridgeEvent {
  if (record.log === 'notice') return { name: 'CopperhullBridge::alert', args: [alertValue(record)] };
  return {
    name: 'CopperhullBridge::log_record',
    args: [string(record.log), real(epochSeconds(record.time)), string(record.json)],
  };
}

export function inSession(session: string, event: BridgeEvent): ZeekEvent {
  return { name: event.name, args: [string(session), ...event.args], metadata: undefined };
}

/** Asks whether the script is there, in a form that shows whether Zeek can take an alert with every field set. */
export function hello(): BridgeEvent {
  return { name: 'CopperhullBridge::hello', args: [count(INTERFACE_VERSION), SAMPLE] };
}

/** Asks how many events were handled since the last time. Zeek answers when it has handled all before it. */
export function sync(number: number): BridgeEvent {
  return { name: 'CopperhullBridge::sync', args: [count(number)] };
}

const SAMPLES: Readonly<Record<string, ZeekValue>> = {
  ts: real(0),
  n: count(1),
  rule_rev: count(1),
  orig_h: address('2001:db8::1'),
  orig_p: port(1, 'tcp'),
  resp_h: address('2001:db8::2'),
  resp_p: port(2, 'tcp'),
  outer_orig_h: address('192.0.2.1'),
  outer_orig_p: port(0, 'unknown'),
  outer_resp_h: address('192.0.2.2'),
  outer_resp_p: port(3544, 'udp'),
};

const SAMPLE = vector(ALERT_FIELDS.map(([field]) => SAMPLES[field] ?? string('')));

/** Answers of the script to a session; anything else is `undefined`. */
export type Reply =
  | { readonly kind: 'ready'; readonly interfaceVersion: bigint }
  | { readonly kind: 'synced'; readonly number: bigint; readonly handled: bigint };

export function readReply(event: ZeekEvent | undefined, session: string): Reply | undefined {
  const [of, first, second] = event?.args ?? [NONE];
  if (of?.type !== 'string' || of.value !== session || first?.type !== 'count') return undefined;
  if (event?.name === 'CopperhullBridge::ready') return { kind: 'ready', interfaceVersion: first.value };
  if (event?.name === 'CopperhullBridge::synced' && second?.type === 'count')
    return { kind: 'synced', number: first.value, handled: second.value };
  return undefined;
}
