import { optional, withDefault } from '../kind.js';
import type { Loaded } from '../kind.js';
import { listOf } from '../list.js';
import { text } from '../scalars.js';
import { section, variants } from '../section.js';
import {
  CENSUS,
  CHECKSUMS,
  LIMITS,
  LISTS,
  MAX_DEPTH,
  PROFILE,
  RULES,
  SITE,
  VXLAN_PORTS,
} from './analysis.js';
import { CAPTURE, INTERFACES } from './capture.js';
import { FILES_SINK, STDOUT_SINK } from './files-sink.js';
import { KAFKA_SINK } from './kafka-sink.js';
import { HTTP, RUN } from './run.js';
import { ZEEK_SINK } from './zeek-sink.js';

/**
 * The one definition of the configuration file. Loading, defaults, types, JSON schema and reference page follow from
 * it; a new section is a new `section({...})` and a key here.
 */
export const CONFIGURATION = section({
  name: 'configuration',
  doc: 'The whole file. Every key may be left out.',
  keys: {
    sensor: withDefault(text({ maxLength: 255 }), 'copperhull', 'Name of this sensor in the records.', {
      example: 'dc1-span1',
    }),
    tenant: optional(text({ maxLength: 255 }), 'Whose network this is, for {tenant} in topics.', {
      example: 'acme',
    }),
    interfaces: withDefault(INTERFACES, [], 'Where `run` captures, unless --interface says it.', {
      example: [{ name: 'eth1' }],
    }),
    capture: withDefault(CAPTURE, {}, 'How packets are taken from the interfaces.'),
    rules: withDefault(RULES, {}, 'Rules that can raise alerts.'),
    lists: withDefault(LISTS, {}, 'Lists of known servers, relays and brokers.'),
    site: withDefault(SITE, {}, 'The network that is watched.'),
    profile: PROFILE,
    maxDepth: MAX_DEPTH,
    vxlanPorts: VXLAN_PORTS,
    census: withDefault(CENSUS, {}, 'Counts of Teredo and 6to4 addresses.'),
    checksums: CHECKSUMS,
    limits: withDefault(LIMITS, {}, 'Upper sizes of state.'),
    run: withDefault(RUN, {}, 'How `run` lives.'),
    http: withDefault(HTTP, {}, 'Health and metrics.'),
    sinks: withDefault(
      listOf(variants({ kafka: KAFKA_SINK, files: FILES_SINK, stdout: STDOUT_SINK, zeek: ZEEK_SINK }), {
        most: 32,
      }),
      [],
      'Where records go. Each sink gets them all, unless it says which.',
    ),
  },
});

/** The configuration as it is used: everything is there, paths are absolute, and nothing changes. */
export type Config = Loaded<typeof CONFIGURATION>;
export type InterfaceConfig = Config['interfaces'][number];
export type SinkConfig = Config['sinks'][number];
export type KafkaSinkConfig = Extract<SinkConfig, { readonly type: 'kafka' }>;
export type FilesSinkConfig = Extract<SinkConfig, { readonly type: 'files' }>;
export type StdoutSinkConfig = Extract<SinkConfig, { readonly type: 'stdout' }>;
export type ZeekSinkConfig = Extract<SinkConfig, { readonly type: 'zeek' }>;
export type EnvelopeConfig = KafkaSinkConfig['envelope'];
export type SpoolConfig = KafkaSinkConfig['spool'];
export type RetryConfig = KafkaSinkConfig['retry'];
export type TlsConfig = NonNullable<KafkaSinkConfig['tls']>;
export type SaslConfig = NonNullable<KafkaSinkConfig['sasl']>;
