import { Command, CommanderError } from 'commander';
import { CaptureError } from '../capture/capture-error.js';
import { ConfigError } from '../config/config-error.js';
import { terminalText } from '../model/terminal-text.js';
import { FolderError } from '../sensor/load.js';
import { packageVersion } from '../sensor/package-files.js';
import { SinkError } from '../sink/alert-sink.js';
import { SourceError } from '../yaml/diagnostic.js';
import { addressCommand } from './address.js';
import { censusCommand } from './census.js';
import { checkCommand } from './check.js';
import { configCommand } from './config.js';
import { decodeCommand } from './decode.js';
import { CommandError, EXIT } from './exit-code.js';
import { replayCommand } from './replay.js';
import { rulesCommand } from './rules.js';
import { runCommand } from './run.js';
import { spoolCommand } from './spool.js';

const program = new Command('copperhull')
  .description('Finds and judges IPv6 hidden in IPv4 tunnels, and writes Zeek-compatible alerts.')
  .version(packageVersion())
  .addCommand(runCommand())
  .addCommand(checkCommand())
  .addCommand(replayCommand())
  .addCommand(decodeCommand())
  .addCommand(censusCommand())
  .addCommand(rulesCommand())
  .addCommand(addressCommand())
  .addCommand(configCommand())
  .addCommand(spoolCommand())
  .addHelpText('after', '\nExample:\n  $ copperhull replay capture.pcap\n');

/* Usage mistakes of any command end with the same exit code, and without a stack trace. */
function settle(command: Command): void {
  command.exitOverride().showHelpAfterError('(add --help for usage)');
  for (const sub of command.commands) settle(sub);
}
settle(program);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  if (error instanceof CommandError) {
    process.stderr.write(`${error.sentences.map(terminalText).join('\n')}\n`);
    return error.exitCode;
  }
  if (error instanceof SourceError) {
    process.stderr.write(`${error.message.split('\n').map(terminalText).join('\n')}\n`);
    return EXIT.invalidSource;
  }
  if (error instanceof ConfigError) {
    process.stderr.write(`${terminalText(error.message)}\n`);
    return EXIT.invalidSource;
  }
  if (error instanceof SinkError) {
    process.stderr.write(`${error.sentences.map(terminalText).join('\n')}\n`);
    return EXIT.failed;
  }
  if (error instanceof FolderError || error instanceof CaptureError) {
    process.stderr.write(`${terminalText(error.message)}\n`);
    return EXIT.failed;
  }
  process.stderr.write(
    `${(error as Error).stack ?? String(error)}\nThis is a bug of copperhull; please report it.\n`,
  );
  return EXIT.failed;
}
