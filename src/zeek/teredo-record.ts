import type { CensusEvent } from '../model/census.js';
import { CLIENT_PREFIX_BITS, isPrefixSubject, SEEN_IN } from '../model/census.js';
import type { LogRecord } from '../model/records.js';
import { formatIpv4 } from '../wire/address.js';
import { JsonLine } from './json-line.js';

/** `teredo.log`: a log of copperhull's own in Zeek's form; one line for each server, relay or prefix and interval. */
export function teredoRecord({ time, seconds, entry, sensor }: CensusEvent): LogRecord {
  const { what, v4, packets, seen, clients, firstSeen, lastSeen } = entry;
  const address = formatIpv4(v4);
  const line = new JsonLine().time('ts', time).interval('ts_delta', seconds).plain('what', what);
  if (isPrefixSubject(what)) line.plain('prefix', `${address}/${CLIENT_PREFIX_BITS}`);
  else line.plain('address', address);
  line.count('packets', packets);
  SEEN_IN.forEach((name, i) => line.count(`seen_${name}`, seen[i]));
  line
    .count('distinct_clients', clients)
    .time('first_seen', firstSeen)
    .time('last_seen', lastSeen)
    .string('sensor', sensor);
  return {
    log: 'teredo',
    time,
    severity: 'informational',
    keys: { uid: undefined, communityId: undefined, outerPair: undefined, sensor },
    json: line.toString(),
  };
}
