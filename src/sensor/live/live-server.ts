import type { Config } from '../../config/definition/configuration.js';
import { DEFAULT_HTTP, HttpServer, HttpServerError } from '../../observe/http-server.js';
import type { Logger } from '../../observe/log.js';
import { Metrics } from '../../observe/metrics.js';
import { observationRoutes } from '../../observe/routes.js';
import type { SensorSnapshot } from '../../observe/sensor-snapshot.js';
import { SinkError } from '../../sink/alert-sink.js';

/** The server of health and metrics that a configuration asks for; undefined when it is off. Throws a SinkError. */
export function makeServer(
  { http, run }: Config,
  snapshot: () => SensorSnapshot,
  log: Logger,
): HttpServer | undefined {
  const { listen } = http;
  if (listen === undefined) return undefined;
  const routes = observationRoutes(snapshot, new Metrics(), { answerSeconds: run.watchdogMs / 1000 });
  const onError = (error: Error): void => log.error(`http: ${error.message}`);
  return explained(() => {
    // Whoever writes another address than a loopback one into the configuration was warned there.
    return new HttpServer(routes, { ...DEFAULT_HTTP, ...listen, allowRemote: true, onError });
  });
}

export async function openServer(server: HttpServer | undefined): Promise<void> {
  try {
    await server?.open();
  } catch (error) {
    throw asSinkError(error);
  }
}

function explained<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw asSinkError(error);
  }
}

function asSinkError(error: unknown): unknown {
  return error instanceof HttpServerError
    ? new SinkError(`http.listen: ${error.message}`, { cause: error })
    : error;
}
