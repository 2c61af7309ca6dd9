import { CaptureError } from '../../capture/capture-error.js';
import type { LesserUser } from '../../capture/privileges.js';
import type { Config } from '../../config/definition/configuration.js';
import { addonToBecome, findUser } from '../live/sensor-user.js';
import { asUser } from './as-user.js';
import { checkCapture } from './check-capture.js';
import { checkFolder, checkSources } from './check-files.js';
import type { CheckItem, CheckReport } from './check-item.js';
import { failed, ok } from './check-item.js';
import { checkBrokers, checkHttp } from './check-network.js';

/** How long the other side of a sink may take. */
export const BROKER_TIMEOUT_MS = 10_000;

/**
 * Looks at everything that a live sensor with this configuration needs, and leaves nothing behind. As root, files are looked
 * at with the rights of the user that the sensor would become.
 */
export async function checkSensor(config: Config, brokerTimeoutMs = BROKER_TIMEOUT_MS): Promise<CheckReport> {
  const { user, item } = checkUser(config);
  const name = user === undefined ? undefined : config.run.user;
  const sources = await asUser(user, () => Promise.resolve(checkSources(config)));
  const files = await asUser(user, async () => [
    ...sources.items,
    ...(await Promise.all(config.sinks.map((sink) => checkFolder(sink, name)))).flat(),
  ]);
  const capture = await checkCapture(config, sources.rules);
  const network = await asUser(user, async () => [
    ...(await checkHttp(config)),
    ...(await checkBrokers(config, brokerTimeoutMs)),
  ]);
  return { items: [item, ...files, ...capture.items, ...network], filters: capture.filters };
}

function checkUser({ capture, run }: Config): {
  readonly user: LesserUser | undefined;
  readonly item: CheckItem;
} {
  if (process.geteuid?.() !== 0) {
    const id = process.geteuid?.();
    return { user: undefined, item: ok('user', `runs as this user${id === undefined ? '' : ` (${id})`}`) };
  }
  try {
    const user = findUser(run.user);
    if (user.uid === 0)
      return { user: undefined, item: failed('user', 'run.user is root; name an ordinary user.', true) };
    if (capture.driver === 'cap') addonToBecome(user);
    return { user, item: ok('user', `becomes ${run.user} (${user.uid}) and keeps CAP_NET_RAW`) };
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    return { user: undefined, item: failed('user', error.message) };
  }
}
