import { stringify } from 'yaml';
import { CONFIGURATION } from './definition/configuration.js';
import { CONFIG_EXAMPLES } from './examples.js';
import type { AnySection, Key, Plain, Presence } from './kind.js';

/** A key of the configuration, as the reference shows it. */
export interface ReferenceKey {
  readonly name: string;
  /** What may be written. */
  readonly words: string;
  /** The default as it would be written, or one of {@link OTHERWISE}. */
  readonly otherwise: string;
  readonly doc: string;
  /** As it would be written, in one line; `''` when there is none. */
  readonly example: string;
  /** Names of the sections that the value holds. */
  readonly sections: readonly string[];
}

export interface ReferenceSection {
  readonly name: string;
  readonly doc: string;
  readonly keys: readonly ReferenceKey[];
  readonly example: string;
}

/** What stands in place of a default that cannot be written. */
export const OTHERWISE: Readonly<Record<'required' | 'absent' | 'section', string>> = {
  required: 'required',
  absent: 'not set',
  section: 'its defaults',
};

/** All sections, each once, outer ones first. */
export function referenceSections(): ReferenceSection[] {
  const found = new Map<string, AnySection>();
  const visit = (section: AnySection): void => {
    if (found.has(section.name)) return;
    found.set(section.name, section);
    for (const { kind } of Object.values(section.keys)) kind.sections.forEach(visit);
  };
  visit(CONFIGURATION);
  return [...found.values()].map(({ name, doc, tag, keys, example }) => ({
    name,
    doc,
    keys: [
      ...(tag === undefined ? [] : [typeKey(tag)]),
      ...Object.entries(keys).map(([keyName, key]) => referenceKey(keyName, key)),
    ],
    example: written(example),
  }));
}

function typeKey(tag: string): ReferenceKey {
  const doc = 'Says that it is this one.';
  return { name: 'type', words: tag, otherwise: OTHERWISE.required, doc, example: '', sections: [] };
}

function referenceKey(name: string, { kind, doc, presence, otherwise, derived, example }: Key): ReferenceKey {
  return {
    name,
    words: kind.words.replace(/^(an?|the) /, ''),
    otherwise: otherwiseText(presence, otherwise, derived, kind.sections.length > 0),
    doc,
    example: written(example),
    sections: kind.sections.map((section) => section.name),
  };
}

function otherwiseText(
  presence: Presence,
  otherwise: Plain | undefined,
  derived: string | undefined,
  isSection: boolean,
): string {
  if (presence === 'required') return OTHERWISE.required;
  const text = otherwise === undefined ? (derived ?? OTHERWISE.absent) : written(otherwise);
  return isSection && text === '{}' ? OTHERWISE.section : text;
}

function written(value: Plain | undefined): string {
  if (value === undefined) return '';
  return stringify(value, { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 }).trimEnd();
}

const INTRODUCTION = `# Configuration

One YAML file says where records go. Every key may be left out, except where a table says "required"; an unknown key is
a mistake. All mistakes are told at once, each with file, line and column. \`copperhull config show FILE\` reads a file
and prints what follows from it, with defaults, without secrets.

- **Environment.** \`\${NAME}\` in a value is replaced by that variable of the environment, \`\${NAME:-default}\` also when it
  is unset or empty. An unset variable without default is a mistake. \`$$\` is a dollar. Inside \`[]\` and \`{}\`, YAML wants
  such a value in quotes. Keys are not replaced.
- **Secrets.** \`file:PATH\` reads a secret from a file, without its last line end. Keep it out of reach of other users.
  With systemd credentials: \`file:\${CREDENTIALS_DIRECTORY}/kafka-password\`. A secret in the configuration file itself is
  allowed, with a warning.
- **Paths** that are relative start from the folder of the configuration file.
- **Sizes** are octets, with \`KiB\`, \`MiB\`, \`GiB\` or \`TiB\` behind them or without unit. Keys that end in \`Ms\` are
  milliseconds, without unit. Other durations have a unit: \`ms\`, \`s\`, \`m\`, \`h\` or \`d\`.
- **Editors.** [config.schema.json](../schemas/config.schema.json) is a JSON Schema of the file. For the YAML language
  server, let the file begin with \`# yaml-language-server: $schema=PATH\`.
`;

/** The reference page of the configuration file, in Markdown. */
export function configReference(): string {
  const examples = CONFIG_EXAMPLES.map(({ title, text }) => `${title}\n\n\`\`\`yaml\n${text}\`\`\`\n`);
  const sections = referenceSections().map(
    ({ name, doc, keys, example }) =>
      `## ${name}\n\n${doc}${example === '' ? '' : ` Example: ${code(example)}.`}\n\n${keyTable(keys)}`,
  );
  return [INTRODUCTION, '## Examples\n', ...examples, ...sections].join('\n');
}

function keyTable(keys: readonly ReferenceKey[]): string {
  const rows = keys.map(({ name, words, otherwise, doc, example, sections }) => [
    code(name),
    words,
    Object.values(OTHERWISE).includes(otherwise) ? otherwise : code(otherwise),
    [
      doc,
      ...(example === '' ? [] : [`Example: ${code(example)}.`]),
      ...(sections.length === 0
        ? []
        : [`See ${sections.map((section) => `[${section}](#${section})`).join(', ')}.`]),
    ].join(' '),
  ]);
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
  return [['key', 'value', 'default', 'meaning'], ['---', '---', '---', '---'], ...rows].map(line).join('');
}

function code(text: string): string {
  return `\`${text}\``;
}
