import { decodeValue } from './decode.js';
import { encodeMembers } from './encode.js';
import type { ExactJson } from './exact-json.js';
import { isObject, parseExactJson } from './exact-json.js';
import type { ZeekValue } from './values.js';
import { count, string, vector, ZeekValueError } from './values.js';

/** An event of Zeek's script layer. */
export interface ZeekEvent {
  readonly name: string;
  readonly args: readonly ZeekValue[];
  /** Zeek adds the network time; undefined when there is none. */
  readonly metadata: ZeekValue | undefined;
}

/** What a server may send. `unreadable` is everything that is not of the protocol. */
export type ServerMessage =
  /** The subscriptions are in force. `version` is Zeek's. */
  | { readonly type: 'ack'; readonly endpoint: string; readonly version: string }
  /** `event` is undefined when the data is something other than an event. */
  | {
      readonly type: 'data-message';
      readonly topic: string;
      readonly data: ZeekValue;
      readonly event: ZeekEvent | undefined;
    }
  | { readonly type: 'error'; readonly code: string; readonly context: string }
  | { readonly type: 'unreadable'; readonly reason: string };

/** Reads a text frame of the server. Never throws. */
export function parseServerMessage(text: string): ServerMessage {
  let json: ExactJson;
  try {
    json = parseExactJson(text);
  } catch {
    return unreadable('It is not JSON.');
  }
  if (!isObject(json)) return unreadable('It is not a JSON object.');
  const { type, endpoint, version, code, context, topic } = json;
  switch (type) {
    case 'ack':
      if (typeof endpoint !== 'string' || typeof version !== 'string')
        return unreadable('An ack has no endpoint or no version.');
      return { type, endpoint, version };
    case 'error':
      if (typeof code !== 'string' || typeof context !== 'string')
        return unreadable('An error has no code or no context.');
      return { type, code, context };
    case 'data-message': {
      if (typeof topic !== 'string') return unreadable('A data-message has no topic.');
      try {
        const data = decodeValue(json);
        return { type, topic, data, event: eventOf(data) };
      } catch (error) {
        if (error instanceof ZeekValueError) return unreadable(error.message);
        // What else may fail is the size of the text: the stack or memory of the decoder.
        return unreadable('A data-message cannot be decoded.');
      }
    }
    default:
      return unreadable('It has no type that is known.');
  }
}

function unreadable(reason: string): ServerMessage {
  return { type: 'unreadable', reason };
}

const FORMAT = 1n;
const EVENT = 1n;

/* [format 1, type 1, [name, arguments, metadata?]] */
function eventOf(data: ZeekValue): ZeekEvent | undefined {
  if (data.type !== 'vector') return undefined;
  const [format, kind, body] = data.items;
  if (format?.type !== 'count' || format.value !== FORMAT) return undefined;
  if (kind?.type !== 'count' || kind.value !== EVENT || body?.type !== 'vector') return undefined;
  const [name, args, metadata] = body.items;
  if (name?.type !== 'string' || args?.type !== 'vector') return undefined;
  return { name: name.value, args: args.items, metadata };
}

/** The text frame that publishes an event. */
export function encodeEvent(topic: string, event: ZeekEvent): string {
  const body = [string(event.name), vector(event.args)];
  if (event.metadata !== undefined) body.push(event.metadata);
  const data = vector([count(FORMAT), count(EVENT), vector(body)]);
  return `{"type":"data-message","topic":${JSON.stringify(topic)},${encodeMembers(data)}}`;
}
