export { BridgeError, printable } from './bridge-error.js';
export type { BridgeErrorCode } from './bridge-error.js';
export { DEFAULT_PORT, ZeekBridge } from './client.js';
export type { BridgeAck, BridgeMessage, BridgeOptions, BridgeTls } from './client.js';
export { encodeValue } from './encode.js';
export { encodeEvent, parseServerMessage } from './messages.js';
export type { ServerMessage, ZeekEvent } from './messages.js';
export * from './values.js';
