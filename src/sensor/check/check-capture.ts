import { readdirSync } from 'node:fs';
import { CapCapture } from '../../capture/cap-capture.js';
import { CAP_IS_WORSE, loadCap } from '../../capture/cap-package.js';
import { CaptureError } from '../../capture/capture-error.js';
import { FilterError } from '../../capture/filter/filter-error.js';
import type { LiveOptions } from '../../capture/live-options.js';
import { FILTERED_IN_PROCESS } from '../../capture/live-options.js';
import type { LiveSource } from '../../capture/live-source.js';
import { loadAddon } from '../../capture/native-addon.js';
import type { Config, InterfaceConfig } from '../../config/definition/configuration.js';
import type { Rule } from '../../rules/rule.js';
import { LINK_TYPE } from '../../wire/numbers.js';
import { kernelFilter, rulesBehindFilter } from '../live/kernel-filter.js';
import { LabelledCapture } from '../live/labelled-capture.js';
import type { CaptureSurroundings } from '../live/rule-needs.js';
import type { CheckedFilter, CheckItem } from './check-item.js';
import { failed, ok, warning } from './check-item.js';

const INTERFACES = '/sys/class/net';

/** The capture driver and each interface: opened as `run` does, and closed at once. */
export async function checkCapture(
  config: Config,
  loadedRules: readonly Rule[],
): Promise<{ items: CheckItem[]; filters: CheckedFilter[] }> {
  const items: CheckItem[] = [];
  const filters: CheckedFilter[] = [];
  const driver = checkDriver(config);
  items.push(driver);
  if (config.interfaces.length === 0)
    items.push(
      warning(
        'interfaces',
        'None is configured; add "interfaces: [{ name: NAME }]", or start run with --interface NAME.',
      ),
    );
  for (const one of config.interfaces) {
    const surroundings = { ...config, loadedRules };
    const found =
      driver.status === 'failed' ? checkByName(one, surroundings) : await checkByOpening(one, surroundings);
    items.push(...found.items);
    filters.push(...found.filters);
  }
  return { items, filters };
}

function checkDriver({ capture }: Config): CheckItem {
  try {
    if (capture.driver === 'libpcap') return ok('capture driver', loadAddon().libraryVersion());
    loadCap();
    return warning(
      'capture driver',
      `The package "cap" can be loaded. It is worse than libpcap: ${CAP_IS_WORSE}`,
    );
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    return failed('capture driver', error.message);
  }
}

interface Found {
  readonly items: readonly CheckItem[];
  readonly filters: readonly CheckedFilter[];
}

async function checkByOpening(one: InterfaceConfig, surroundings: CaptureSurroundings): Promise<Found> {
  const item = `interface ${one.label}`;
  try {
    // On the main thread `cap` needs no relay.
    const openCap = (options: LiveOptions): Promise<LiveSource> =>
      new Promise((resolve) => resolve(CapCapture.open(options)));
    const capture = await LabelledCapture.open(one, surroundings, [], {}, openCap);
    const { filter: text, instructions, hides, stats } = capture.state();
    await capture.close();
    const filter = { interface: one.label, text, instructions, hides };
    const isCopied = stats.filteredBy === 'process';
    const blind = checkRules(one, surroundings, capture.linkType);
    const items = [ok(item, `${one.name} can be captured from`), checkFilter(filter, isCopied), ...blind];
    return { items, filters: [filter] };
  } catch (error) {
    if (error instanceof FilterError)
      return { items: [failed(`filter of ${one.label}`, error.message, true)], filters: [] };
    if (!(error instanceof CaptureError)) throw error;
    if (error.code === 'bad-filter')
      return { items: [failed(`filter of ${one.label}`, error.message, true)], filters: [] };
    const { items, filters } = checkByName(one, surroundings);
    const rest = items.filter((found) => found.item !== item);
    return { items: [failed(item, error.message), ...rest], filters };
  }
}

/* Without a driver, or without the right to open it, the interface is taken to be Ethernet. */
function checkByName(one: InterfaceConfig, surroundings: CaptureSurroundings): Found {
  const item = `interface ${one.label}`;
  const names = readdirSync(INTERFACES);
  const isThere = one.name === 'any' || names.includes(one.name);
  const items = [
    isThere
      ? ok(item, `${one.name} is there`)
      : failed(item, `There is no interface "${one.name}"; there are: ${names.join(', ')}.`),
  ];
  try {
    const { text, hides } = kernelFilter(one, surroundings, LINK_TYPE.ETHERNET);
    const blind = checkRules(one, surroundings, LINK_TYPE.ETHERNET);
    const filter = { interface: one.label, text, instructions: undefined, hides };
    return { items: [...items, ...blind], filters: [filter] };
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    return { items: [...items, failed(`filter of ${one.label}`, error.message, true)], filters: [] };
  }
}

function checkRules(one: InterfaceConfig, surroundings: CaptureSurroundings, linkType: number): CheckItem[] {
  const item = `rules and filter of ${one.label}`;
  return rulesBehindFilter(one, surroundings, linkType).map((sentence) => warning(item, sentence));
}

function checkFilter({ interface: label, instructions, hides }: CheckedFilter, isCopied: boolean): CheckItem {
  const item = `filter of ${label}`;
  if (isCopied) return warning(item, FILTERED_IN_PROCESS);
  const hidden = hides.length === 0 ? 'hides nothing' : `hides ${hides.length} kinds of traffic, see below`;
  return ok(item, instructions === undefined ? hidden : `${instructions} instructions; ${hidden}`);
}
