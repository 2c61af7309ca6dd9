/** A whole configuration file that the reference page shows. Tests load each of them. */
export interface ConfigExample {
  readonly title: string;
  readonly text: string;
}

export const CONFIG_EXAMPLES: readonly ConfigExample[] = [
  {
    title: 'Alerts to a Kafka on this machine, everything to files:',
    text: `sensor: dc1-span1
sinks:
  - type: kafka
    brokers: [127.0.0.1:9092]
    logs: [notice]
    minSeverity: medium
  - type: files
    folder: /var/log/copperhull
`,
  },
  {
    title:
      'Kafka over TLS with a login, a topic for each log and tenant, and the form that zeek-kafka writes:',
    text: `sensor: \${SENSOR_NAME:-dc1-span1}
tenant: acme
sinks:
  - type: kafka
    brokers: [kafka1.example.org:9093, '[2001:db8::9]:9093']
    topic: '{tenant}.zeek.{log}'
    createTopic: { partitions: 6, replicationFactor: 3, config: { retention.ms: 604800000 } }
    envelope: { type: tagged, static: { site: dc1 } }
    compression: gzip
    tls: { ca: tls/ca.pem }
    sasl:
      mechanism: scram-sha-512
      username: sensor
      password: file:kafka-password
    spool: { maxBytes: 20GiB }
`,
  },
  {
    title:
      'Two Kafkas, with what Filebeat would send to one of them, and a Zeek that gets the alerts as events:',
    text: `sinks:
  - name: soc
    type: kafka
    brokers: [127.0.0.1:9092]
    envelope: { type: beats, logFolder: /opt/zeek/logs/current, tags: [zeek] }
  - name: archive
    type: kafka
    brokers: [127.0.0.1:9192]
    client: { authenticationTimeout: 10000 }
    retry: { maxMs: 60000 }
  - type: zeek
    url: ws://127.0.0.1:27759/v1/messages/json
    logs: [notice]
  - type: stdout
    logs: [reporter]
`,
  },
];
