import { Command } from 'commander';
import { configSchema } from '../config/config-schema.js';
import { CONFIG_EXAMPLES } from '../config/examples.js';
import { DEFAULT_CONFIG, loadConfig } from '../config/load.js';
import { OTHERWISE, referenceSections } from '../config/reference.js';
import { effectiveConfig, effectiveConfigText } from '../config/show.js';
import { terminalText } from '../model/terminal-text.js';

/** `copperhull config show|reference` */
export function configCommand(): Command {
  const command = new Command('config').description('Show and explain the configuration file.');
  command
    .command('show')
    .description('Read a configuration file and print what follows from it, without secrets.')
    .argument('[file]', 'configuration file; without it, the defaults are shown')
    .option('--json', 'print JSON')
    .action(show)
    .addHelpText('after', EXAMPLE('show /etc/copperhull/config.yaml'));
  command
    .command('reference')
    .description('Explain every key; --json prints the JSON Schema for editors.')
    .option('--json', 'print the JSON Schema')
    .action(reference)
    .addHelpText('after', EXAMPLE('reference --json > config.schema.json'));
  return command;
}

const EXAMPLE = (text: string): string => `\nExample:\n  $ copperhull config ${text}\n`;

interface Flags {
  readonly json?: true;
}

function show(path: string | undefined, flags: Flags): void {
  const { config, warnings } =
    path === undefined ? { config: DEFAULT_CONFIG, warnings: [] } : loadConfig(path, process.env);
  for (const warning of warnings) process.stderr.write(`${terminalText(`warning: ${warning}`)}\n`);
  if (flags.json === true) print(effectiveConfig(config));
  else process.stdout.write(effectiveConfigText(config));
}

function reference(flags: Flags): void {
  if (flags.json === true) {
    print(configSchema());
    return;
  }
  const sections = referenceSections().map(({ name, doc, keys }) => {
    const entries = keys.map(({ name: key, words, otherwise, doc: keyDoc, example, sections: inside }) => {
      const lines = [`  ${key}`, `      ${keyDoc}`, `      ${words}; ${defaultText(otherwise)}`];
      if (example !== '') lines.push(`      example: ${example}`);
      if (inside.length > 0)
        lines.push(`      see ${inside.map((section) => section.toUpperCase()).join(', ')}`);
      return lines.join('\n');
    });
    return `${name.toUpperCase()}\n  ${doc}\n\n${entries.join('\n')}\n`;
  });
  const example = CONFIG_EXAMPLES[0]!.text.replace(/^(?=.)/gm, '  ');
  process.stdout.write(`${sections.join('\n')}\nEXAMPLE\n${example}`);
}

function defaultText(otherwise: string): string {
  return otherwise === OTHERWISE.required || otherwise === OTHERWISE.absent
    ? otherwise
    : `default ${otherwise}`;
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}
