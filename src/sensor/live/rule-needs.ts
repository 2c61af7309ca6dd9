import type { FilterNeeds } from '../../capture/filter/filter-needs.js';
import { defaultNeeds, tunnelNeeds } from '../../capture/filter/filter-needs.js';
import { UDP_PORT } from '../../wire/numbers.js';
import type { LinkForm } from '../../capture/filter/link-form.js';
import { KIND } from '../../model/vocabulary.js';
import type { Rule, RuleEvent } from '../../rules/rule.js';
import type { AnalysisConfig } from './worker-messages.js';

/** What concerns the captures of all interfaces. */
export interface CaptureSurroundings extends Pick<
  AnalysisConfig,
  'capture' | 'vxlanPorts' | 'census' | 'profile'
> {
  readonly loadedRules: readonly Rule[];
}

/** Packets that no tunnel carries and that a rule might be about: keys of the needs of a filter. */
export type Beyond = 'dnsPorts' | 'brokerPorts' | 'nativeIpv6' | 'icmp';

/*
 * What rules of an event see beyond tunnels. Nothing today: the analysis asks rules about packets that a tunnel carries,
 * and about no others. A new event has to say here what the filter passes for it.
 */
const SEEN_BY: Readonly<Record<RuleEvent, readonly Beyond[]>> = { packet: [], flow: [], tunnel: [] };

/* What the census sees beyond tunnels. */
const SEEN_BY_CENSUS: readonly Beyond[] = ['dnsPorts', 'nativeIpv6', 'icmp'];

/** What the automatic filter of an interface passes: for the decoders, as configured, and for loaded rules and census. */
export function needsOf(
  linkType: number,
  { capture, vxlanPorts, census, loadedRules }: CaptureSurroundings,
  seenBy: Readonly<Record<RuleEvent, readonly Beyond[]>> = SEEN_BY,
): FilterNeeds {
  const all = defaultNeeds(linkType);
  const beyond = [...loadedRules.flatMap(({ on }) => seenBy[on]), ...(census.enabled ? SEEN_BY_CENSUS : [])];
  const widened = Object.fromEntries(beyond.map((key) => [key, all[key]]));
  const mirrorPorts = capture.mirrorTransports.includes('tzsp') ? [UDP_PORT.TZSP] : [];
  return { ...tunnelNeeds(linkType), ...widened, vxlanPorts, mirrorPorts, carriers: capture.carriers };
}

/** Loaded rules that ask for what the configuration keeps from the analysis on such a link, each in a sentence. */
export function blindRules(
  form: LinkForm,
  { capture, vxlanPorts, loadedRules }: CaptureSurroundings,
): string[] {
  const { vlan, qinq } = form.carriers(capture.carriers);
  // On cooked links tagged frames pass whole, or not at all.
  const hidden = {
    'packet.vlan': form.tags !== 'none' && !vlan && 'capture.carriers.vlan',
    'packet.inner_vlan':
      (form.tags === 'keyword' && !qinq && 'capture.carriers.qinq') ||
      (form.tags === 'type' && !vlan && 'capture.carriers.vlan'),
  };
  return loadedRules.flatMap(({ id, fields, gate }) => [
    ...Object.entries(hidden).flatMap(([field, key]) =>
      key !== false && fields.has(field)
        ? [`Rule ${id} reads ${field}, but the filter may hide frames with such tags; set ${key} to true.`]
        : [],
    ),
    ...(vxlanPorts.length === 0 && gate.kinds === 2 ** KIND.vxlan
      ? [`Rule ${id} is about VXLAN alone, but none is opened; name its ports in vxlanPorts.`]
      : []),
  ]);
}
