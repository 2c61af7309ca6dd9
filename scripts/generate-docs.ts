import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { VERDICTS } from '../src/decode/verdicts.js';
import { configSchema } from '../src/config/config-schema.js';
import { configReference } from '../src/config/reference.js';
import { CHECKS } from '../src/model/checks.js';
import { DETECTIONS } from '../src/model/detections.js';
import { FIELDS } from '../src/model/fields.js';
import { metricsReference } from '../src/observe/metrics-reference.js';
import { LAYERS, REQUIRED } from '../src/rules/packet-spec.js';
import { loadRules } from '../src/sensor/load.js';
import { profileTables } from './profiles-page.js';

/*
 * Writes the reference pages and schemas that follow from code and rules; with --check, fails when a page is not what it would
 * write.
 */
const NOTE = '<!-- Made by scripts/generate-docs.ts; change the source that it reads, not this page. -->\n\n';

const PAGES: Readonly<Record<string, () => string | Promise<string>>> = {
  'docs/rules.md': rulesPage,
  'docs/rule-keys.md': ruleKeysPage,
  'docs/detections.md': detectionsPage,
  'docs/fields.md': fieldsPage,
  'docs/checks.md': checksPage,
  'docs/verdicts.md': verdictsPage,
  'docs/metrics.md': () => metricsReference().replace('\n\n', `\n\n${NOTE}`),
  'docs/configuration.md': () => configReference().replace('\n\n', `\n\n${NOTE}`),
  'docs/zeek-profiles.md': profilesPage,
  'schemas/config.schema.json': () => JSON.stringify(configSchema()),
};

function rulesPage(): string {
  const { rules } = loadRules([]);
  const rows = rules.map(({ id, severity, on, detections, attack, title }) => [
    `[\`${id}\`](#${id})`,
    severity,
    on,
    detections.join(', '),
    attack.join(', '),
    title,
  ]);
  const sections = rules.map((rule) =>
    [
      `## ${rule.id}`,
      '',
      `**${rule.title}** (revision ${rule.rev}, ${rule.severity}, ${rule.status}). Notice \`${rule.note}\`.`,
      '',
      rule.description.trim(),
      '',
      '```',
      rule.conditionText,
      '```',
      '',
      `- asked for each new: ${rule.on}; the alert names the endpoints of the ${rule.about === 'flow' ? 'inner flow, if there is one' : 'tunnel'}`,
      `- merged for ${rule.dedupSeconds} s by ${rule.dedupKey.map(({ name }) => `\`${name}\``).join(', ')}`,
      `- false positives: ${rule.falsePositives.trim()}`,
      `- sources: ${rule.references.join('; ')}`,
      '',
    ].join('\n'),
  );
  return `# Rules\n\n${NOTE}The D numbers are those of the [detection catalogue](detections.md).\n\n${table(
    ['rule', 'severity', 'on', 'detections', 'ATT&CK', 'title'],
    rows,
  )}\n${sections.join('\n')}`;
}

interface SchemaPart {
  readonly description?: string;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, SchemaPart>>;
}

function ruleKeysPage(): string {
  const path = new URL('../schemas/rules.schema.json', import.meta.url);
  const { $defs } = JSON.parse(readFileSync(path, 'utf8')) as {
    $defs: Readonly<Record<'list' | 'macro' | 'rule' | 'test', SchemaPart>>;
  };
  const keys = (name: keyof typeof $defs): string => {
    const { properties = {}, required = [] } = $defs[name];
    return table(
      ['key', 'needed', 'meaning'],
      Object.entries(properties).map(([key, part]) => [
        `\`${key}\``,
        required.includes(key) ? 'yes' : '',
        (part.description ?? '') +
          (part.enum === undefined ? '' : ` One of ${part.enum.map((word) => `\`${word}\``).join(', ')}.`),
      ]),
    );
  };
  const layers = table(
    ['layer', 'may say'],
    Object.entries(LAYERS).map(([name, parts]) => {
      const needed = REQUIRED[name as keyof typeof LAYERS] ?? [];
      return [
        `\`${name}\``,
        Object.entries(parts)
          .map(([key, kind]) => `\`${key}\` (${kind}${needed.includes(key) ? ', needed' : ''})`)
          .join(', '),
      ];
    }),
  );
  return `# Keys of rule files\n\n${NOTE}The exact definition is [rules.schema.json](../schemas/rules.schema.json); [writing rules](writing-rules.md) shows how they are used.\n\n## list\n\n${keys('list')}\n## macro\n\n${keys('macro')}\n## rule\n\n${keys('rule')}\n## tests of a rule\n\n${keys('test')}\n## Layers of a test's packets\n\nA layer is its name, or its name with what it says: \`udp: { dst: 3544 }\`. Lengths, protocol numbers and checksums are filled in unless they are said. \`hex\` is an even number of hexadecimal digits; \`auth\` is \`{ id, value, nonce, confirmation }\` (all may be left out), \`origin\` is \`{ address, port }\`.\n\n${layers}`;
}

function detectionsPage(): string {
  const { rules } = loadRules([]);
  const rows = Object.entries(DETECTIONS).map(([id, title]) => [
    id,
    title,
    rules
      .filter(({ detections }) => detections.includes(id))
      .map((rule) => `[\`${rule.id}\`](rules.md#${rule.id})`)
      .join(', '),
  ]);
  return `# Detections\n\n${NOTE}The catalogue of what there is to find, and the rules that find it today. An empty place is one that no rule serves yet. A later version refines a rule by raising its revision, never by a twin.\n\n${table(['number', 'what', 'rules'], rows)}`;
}

function fieldsPage(): string {
  const rows = FIELDS.filter(({ check }) => check < 0).map(({ name, type, unit, doc, when, words }) => [
    `\`${name}\``,
    type + (unit === '' ? '' : `, ${unit}`),
    doc + (words.length === 0 ? '' : ` One of ${words.map((word) => `\`${word}\``).join(', ')}.`),
    when,
  ]);
  return `# Fields\n\n${NOTE}What a condition, a message, a suppression key or an expectation of a rule test may name. A comparison with a field that is absent is false. Addresses and ports are those of the packet at hand; consistency checks have [a page of their own](checks.md).\n\nChecksums are verified where the capture holds all that they cover, and are \`unknown\` elsewhere: in cut packets, in the outer headers of reassembled ones, in first fragments alone, under a routing header with segments left, and where UDP goes without. They are summed for the first packet of each flow of TCP and UDP, for all packets that are no such flow, and for those of which a rule asks. A packet with a wrong checksum is judged all the same. With \`checksums: auto\` a checksum that is blank or the bare sum of the pseudo-header is taken for one that a network card fills in, and so are all of a sender of which 20 were wrong and none right; a sender can make that up, so where no offload is, \`verify\` is stricter.\n\n${table(
    ['field', 'type', 'meaning', 'present when'],
    rows,
  )}`;
}

function checksPage(): string {
  const rows = CHECKS.map(({ name, meaning, source }) => [`\`check.${name}\``, meaning, source]);
  return `# Consistency checks\n\n${NOTE}Each is \`holds\`, \`violated\`, \`undetermined\` or \`not-applicable\` for a packet in a tunnel. \`undetermined\` is what can honestly be said inside a NAT whose mapping was not seen.\n\n${table(
    ['check', 'holds when', 'source'],
    rows,
  )}`;
}

function verdictsPage(): string {
  const rows = VERDICTS.map(({ name, decoder, family, doc }) => [`\`${name}\``, decoder, family, doc]);
  return `# Decoder verdicts\n\n${NOTE}How a decoder can end. Those of the families truncated, malformed, weird and limit go to \`weird.log\` under this name, with \`_in_tunnel\` behind it when they happen inside one, sampled as Zeek samples (25 of a name and pair, then 1 in 1000). What only the snap length cut short is counted instead.\n\n${table(
    ['verdict', 'decoder', 'family', 'meaning'],
    rows,
  )}`;
}

/* The words are kept in the page; its tables are made anew behind the mark. */
async function profilesPage(): Promise<string> {
  const mark = '<!-- Made by scripts/generate-docs.ts from here on. -->';
  const page = readFileSync(new URL('../docs/zeek-profiles.md', import.meta.url), 'utf8');
  return `${page.slice(0, page.indexOf(mark))}${mark}\n\n${await profileTables(table)}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
  return line(head) + line(head.map(() => '---')) + rows.map(line).join('');
}

const isCheck = process.argv.includes('--check');
const stale: string[] = [];
for (const [name, make] of Object.entries(PAGES)) {
  const path = fileURLToPath(new URL(`../${name}`, import.meta.url));
  const text = await format(await make(), {
    ...(await resolveConfig(path)),
    parser: name.endsWith('.json') ? 'json' : 'markdown',
  });
  if (!isCheck) writeFileSync(path, text);
  else if (readIfThere(path) !== text) stale.push(name);
}
if (stale.length > 0) {
  process.stderr.write(
    `${stale.join(', ')} differ from what their sources say; run node --import tsx scripts/generate-docs.ts\n`,
  );
  process.exitCode = 1;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
