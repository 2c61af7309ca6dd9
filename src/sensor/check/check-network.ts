import { createServer } from 'node:net';
import type { Config } from '../../config/definition/configuration.js';
import type { Logger } from '../../observe/log.js';
import { makeTransport } from '../make-sinks.js';
import type { CheckItem } from './check-item.js';
import { failed, ok, warning } from './check-item.js';

const SILENT: Logger = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
};

/** Connects to the other side of each sink that has one, as the sink does, for so long at most. */
export function checkBrokers(config: Config, timeoutMs: number): Promise<CheckItem[]> {
  const { sensor, tenant } = config;
  const surroundings = { sensor, tenant, log: SILENT, emit: () => undefined, patienceMs: undefined };
  const tries = config.sinks.flatMap((sink) => {
    const transport = makeTransport(sink, surroundings);
    return transport === undefined ? [] : [tryTransport(`sink ${sink.name}`, transport, timeoutMs)];
  });
  return Promise.all(tries);
}

async function tryTransport(
  item: string,
  transport: NonNullable<ReturnType<typeof makeTransport>>,
  timeoutMs: number,
): Promise<CheckItem> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<CheckItem>((resolve) => {
    timer = setTimeout(() => {
      resolve(
        failed(
          item,
          `The other side gave no answer in ${timeoutMs} ms; check address, network and firewall.`,
        ),
      );
    }, timeoutMs);
  });
  const tried = transport
    .connect(() => undefined)
    .then(
      () => ok(item, 'connected, and answers'),
      (error: unknown) => failed(item, (error as Error).message),
    );
  const result = await Promise.race([tried, late]);
  clearTimeout(timer);
  await transport.disconnect();
  return result;
}

/** Whether health and metrics can be served where the configuration says. */
export async function checkHttp({ http }: Config): Promise<CheckItem[]> {
  const { listen } = http;
  if (listen === undefined) return [ok('http', 'off')];
  const { host, port } = listen;
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, host, resolve);
    });
    return [ok('http', `${host} port ${port} is free`)];
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE')
      return [warning('http', `${host} port ${port} is in use; if not by this sensor, change http.listen.`)];
    return [failed('http', `${host} port ${port} cannot be listened on: ${message}; change http.listen.`)];
  } finally {
    server.close();
  }
}
