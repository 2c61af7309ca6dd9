import { Command } from 'commander';
import { FIELDS } from '../model/fields.js';
import { lintRules } from '../rules/lint.js';
import { loadEndpoints, loadRules } from '../sensor/load.js';
import { runRuleTests } from '../sensor/run-rule-tests.js';
import { suggestion } from '../yaml/nearest-name.js';
import { CommandError, EXIT } from './exit-code.js';
import { collectText, repeatable } from './options.js';
import { table } from './table.js';

interface RulesFlags {
  readonly rules: readonly string[];
  readonly defaultRules: boolean;
  readonly json?: true;
}

/** `copperhull rules list|lint|test|fields` */
export function rulesCommand(): Command {
  const command = new Command('rules').description('List, check and test rules.');
  const sub = (name: string, description: string): Command =>
    command
      .command(name)
      .description(description)
      .addOption(
        repeatable('--rules <folder>', 'folder with rules of your own, beside the shipped ones', collectText),
      )
      .option('--no-default-rules', 'leave the shipped rules out')
      .option('--json', 'print JSON');
  sub(
    'list',
    'Show all rules with severity, event, status and title; --json also shows detections and notes.',
  )
    .action(listRules)
    .addHelpText('after', EXAMPLE('list'));
  sub('lint', 'Check rules: mistakes with file, line and column, and what is missing.')
    .action(lint)
    .addHelpText('after', EXAMPLE('lint --rules my-rules'));
  sub('test', 'Run the tests inside the rules.')
    .argument('[rule...]', 'ids of rules; all without')
    .action(test)
    .addHelpText('after', EXAMPLE('test --rules my-rules'));
  command
    .command('fields')
    .description('Show every field that a condition or message may name.')
    .option('--json', 'print JSON')
    .action(listFields)
    .addHelpText('after', EXAMPLE('fields'));
  return command;
}

const EXAMPLE = (text: string): string => `\nExample:\n  $ copperhull rules ${text}\n`;

function listRules(flags: RulesFlags): void {
  const { rules } = loadRules(flags.rules, flags.defaultRules, '--rules');
  const rows = rules.map(({ id, rev, severity, on, status, title, note, detections, attack }) => ({
    rule: id,
    rev,
    severity,
    on,
    status,
    detections,
    attack,
    note,
    title,
  }));
  if (flags.json === true) print(rows);
  else {
    const head = ['RULE', 'REV', 'SEVERITY', 'ON', 'STATUS', 'TITLE'];
    process.stdout.write(
      table(
        head,
        rows.map((row) => [row.rule, String(row.rev), row.severity, row.on, row.status, row.title]),
      ),
    );
  }
}

function listFields(flags: { readonly json?: true }): void {
  const rows = FIELDS.map(({ name, type, unit, when, doc, words }) => ({
    name,
    type,
    unit,
    when,
    doc,
    words,
  }));
  if (flags.json === true) print(rows);
  else
    process.stdout.write(
      table(
        ['FIELD', 'TYPE', 'WHEN', 'MEANING'],
        rows.map(({ name, type, when, doc, words: known }) => [
          name,
          type,
          when,
          known.length === 0 ? doc : `${doc} One of ${known.join(', ')}.`,
        ]),
      ),
    );
}

function lint(flags: RulesFlags): void {
  const { rules } = loadRules(flags.rules, flags.defaultRules, '--rules');
  const warnings = lintRules(rules);
  if (flags.json === true) print({ rules: rules.length, warnings });
  else {
    for (const { file, line, rule, message } of warnings)
      process.stdout.write(`${file}:${line}: ${rule} ${message}\n`);
    process.stdout.write(`${rules.length} rules are correct, ${warnings.length} warnings\n`);
  }
}

async function test(ids: readonly string[], flags: RulesFlags): Promise<void> {
  const { rules } = loadRules(flags.rules, flags.defaultRules, '--rules');
  const known = rules.map(({ id }) => id);
  for (const id of ids) {
    if (!known.includes(id)) {
      throw new CommandError(`There is no rule "${id}"${suggestion(id, known)}.`, EXIT.usage);
    }
  }
  const wanted = ids.length === 0 ? rules : rules.filter(({ id }) => ids.includes(id));
  const results = await runRuleTests(wanted, loadEndpoints());
  const failed = results.filter(({ failure }) => failure !== undefined);
  if (flags.json === true) print({ passed: results.length - failed.length, failed: failed.length, results });
  else {
    for (const { rule, test: name, file, line, failure } of failed) {
      process.stdout.write(`${file}:${line}: ${rule}: ${name}: ${failure ?? ''}\n`);
    }
    process.stdout.write(`${results.length - failed.length} rule tests passed, ${failed.length} failed\n`);
  }
  if (failed.length > 0) process.exitCode = EXIT.failed;
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}
