import type { LogName } from '../model/records.js';
import { LOG_NAMES } from '../model/records.js';
import { suggestion } from '../yaml/nearest-name.js';
import type { Kind } from './kind.js';
import { orFromEnvironment, UNREADABLE } from './kind.js';

/** What a topic template may name. */
const PLACEHOLDERS = ['log', 'tenant', 'sensor'] as const;

/** What the placeholders stand for. */
export interface TopicNames {
  readonly log: LogName;
  readonly tenant: string | undefined;
  readonly sensor: string;
}

/** Kafka's limit for the name of a topic. */
const LONGEST_TOPIC = 249;
const NOT_IN_TOPIC = /[^a-zA-Z0-9._-]/;
const FORM = `letters, digits, ".", "_" and "-"`;

/** The topic of a template such as `zeek.{log}`. */
export function topicOf(template: string, names: TopicNames): string {
  return template.replace(
    /\{(log|tenant|sensor)\}/g,
    (_, name: 'log' | 'tenant' | 'sensor') => names[name] ?? '',
  );
}

/** What is wrong with a template once its placeholders are filled in, in half a sentence; undefined when nothing is. */
export function topicMistake(template: string, names: Omit<TopicNames, 'log'>): string | undefined {
  if (template.includes('{tenant}') && names.tenant === undefined)
    return 'the topic holds {tenant}, and the file has no key "tenant"';
  for (const name of ['tenant', 'sensor'] as const) {
    const wrong = template.includes(`{${name}}`) ? NOT_IN_TOPIC.exec(names[name] ?? '') : null;
    if (wrong !== null)
      return `the topic holds {${name}}, and "${wrong[0]}" of the key "${name}" may not be in a topic (${FORM})`;
  }
  const topics = LOG_NAMES.map((log) => topicOf(template, { log, ...names }));
  if (topics.some(({ length }) => length > LONGEST_TOPIC))
    return `the topic is longer than ${LONGEST_TOPIC} characters`;
  return topics.some((topic) => topic === '.' || topic === '..')
    ? 'a topic is not named "." or ".."'
    : undefined;
}

/** A topic of Kafka, with placeholders. */
export const topicTemplate: Kind<string> = {
  words: `a topic (${FORM}) with {log}, {tenant} and {sensor}`,
  sections: [],
  read(at) {
    const { value } = at;
    if (typeof value !== 'string' || value === '') return at.mismatch(this.words);
    let isWrong = false;
    for (const match of value.matchAll(/\{([^{}]*)\}/g)) {
      const name = match[1]!;
      if (PLACEHOLDERS.some((known) => known === name)) continue;
      isWrong = true;
      const known = `{${PLACEHOLDERS.join('}, {')}}`;
      const quoted = at.isSubstituted ? 'this' : `{${name}}${suggestion(name, PLACEHOLDERS)}`;
      at.reportInside(match.index, match.index + match[0].length, `a topic may hold ${known}, not ${quoted}`);
    }
    // Placeholders become dashes of the same length, so that the index stays that of the text.
    const bare = value.replace(/\{[^{}]*\}/g, (part) => '-'.repeat(part.length));
    const wrong = NOT_IN_TOPIC.exec(bare);
    if (wrong === null) return isWrong ? UNREADABLE : value;
    const [from, character] = [wrong.index, at.isSubstituted ? 'a character of it' : `"${wrong[0]}"`];
    return at.reportInside(from, from + 1, `a topic has ${FORM} only; ${character} is none of them`);
  },
  write: (value) => value,
  schema: () =>
    orFromEnvironment({ type: 'string', pattern: '^([a-zA-Z0-9._-]|\\{(log|tenant|sensor)\\})+$' }),
};
