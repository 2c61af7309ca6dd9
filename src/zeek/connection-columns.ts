import type { ConnectionId } from '../model/records.js';
import type { JsonLine } from './json-line.js';

/** The four `id.*` columns, flat keys with a dot. */
export function addConnection(line: JsonLine, connection: ConnectionId): void {
  line
    .plain('id.orig_h', connection.origHost)
    .count('id.orig_p', connection.origPort)
    .plain('id.resp_h', connection.respHost)
    .count('id.resp_p', connection.respPort);
}
