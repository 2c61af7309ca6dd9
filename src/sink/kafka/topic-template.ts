import type { LogName } from '../../model/records.js';

/** Placeholders of a topic template. */
export const TOPIC_PLACEHOLDERS = ['log', 'tenant', 'sensor'] as const;

/** Characters and length that Kafka takes in a topic's name. */
const TOPIC = /^[a-zA-Z0-9._-]{1,249}$/;

/**
 * The topic of a log: `zeek.{log}` -> `zeek.notice`. Characters that Kafka does not take in what is put in become `_`.
 * Throws an Error with one sentence for a template that gives no valid name.
 */
export function topicOf(template: string, log: LogName, tenant: string | undefined, sensor: string): string {
  const topic = template.replace(/\{(\w*)\}/g, (_all, name: string) => {
    const value = { log, tenant, sensor }[name];
    if (value === undefined) {
      throw new Error(
        name === 'tenant'
          ? `The topic ${template} needs a tenant; set one.`
          : `The topic ${template} has the unknown placeholder {${name}}; there are {${TOPIC_PLACEHOLDERS.join('}, {')}}.`,
      );
    }
    return value.replace(/[^a-zA-Z0-9._-]/g, '_');
  });
  if (!TOPIC.test(topic) || topic === '.' || topic === '..') {
    throw new Error(
      `The topic "${topic}" is not a name that Kafka takes: up to 249 letters, digits, dots, underscores, hyphens.`,
    );
  }
  return topic;
}
