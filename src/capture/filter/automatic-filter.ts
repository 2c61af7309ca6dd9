import { blindSpots } from './blind-spots.js';
import type { Clause } from './clauses.js';
import { clausesOf, writeClauses } from './clauses.js';
import { FilterError } from './filter-error.js';
import type { FilterNeeds } from './filter-needs.js';
import { checkPorts } from './filter-needs.js';
import { LinkForm } from './link-form.js';
import type { PacketTerms } from './packet-terms.js';
import { behindPppoe, behindTags, hasTags, KEYWORDS, TAG_TYPES } from './packet-terms.js';
import { checkUserBpf } from './user-bpf.js';

/** A capture filter in libpcap's language, with what it is made of and what it cannot see. */
export interface AutoFilter {
  readonly text: string;
  readonly clauses: readonly Clause[];
  /** Sentences, the same order for the same needs. */
  readonly hides: readonly string[];
}

/** Longest filter text, in characters. */
export const MAX_FILTER_TEXT = 65_536;

/**
 * Builds the filter. Its twins (untagged, one tag, two tags, PPPoE) ask the same of the packet behind each, and the
 * user's part stands inside each of them. Throws a FilterError.
 */
export function autoFilter(needs: FilterNeeds): AutoFilter {
  checkPorts(needs);
  const form = LinkForm.of(needs.linkType);
  const { vlan, qinq, pppoe } = form.carriers(needs.carriers);
  const hasVlanKeyword = vlan && form.tags === 'keyword';
  const user = checkUserBpf(needs.userBpf ?? '', hasVlanKeyword);
  if (pppoe && hasVlanKeyword && user !== undefined)
    throw new FilterError(
      'A BPF beside the automatic filter cannot reach behind PPPoE and behind VLAN tags at once; leave out the BPF, pppoe or vlan.',
    );
  const clauses = clausesOf(needs);
  const asked = (terms: PacketTerms): string => writeClauses(clauses, terms, form);
  const text = hasVlanKeyword
    ? ethernetTwins(asked, qinq, pppoe, user)
    : otherTwins(asked, vlan, pppoe, user);
  if (text.length > MAX_FILTER_TEXT)
    throw new FilterError(
      `The capture filter has ${text.length} characters, more than ${MAX_FILTER_TEXT}; name fewer ports or shorten the BPF.`,
    );
  const twins = twinClauses(needs, form, user);
  return {
    text,
    clauses: [
      ...clauses
        .filter(({ isForTags = false }) => hasVlanKeyword || !isForTags)
        .map(({ name, why }) => ({ name, why })),
      ...twins,
    ],
    hides: blindSpots(needs, form, user),
  };
}

type Ask = (terms: PacketTerms) => string;

/*
 * Twins for Ethernet with VLAN tags. What the tags carry is looked at by its place in the octets, and so the program is
 * the same live and in files, and right where the kernel strips the outer tag.
 *
 * Only a user's part needs `vlan`, for it is in libpcap's words. libpcap 1.10 builds wrong programs for live captures
 * where loads in brackets come before the first `vlan`, or where `vlan` is asked right after another question about the
 * EtherType came out false. So the user's part comes first, and each `vlan` stands behind a question about the length.
 */
function ethernetTwins(ask: Ask, qinq: boolean, pppoe: boolean, user: string | undefined): string {
  const depths = qinq ? [0, 1, 2] : [0, 1];
  const twins = [
    ...depths.map((tags) => ask(tags === 0 && user === undefined ? KEYWORDS : behindTags(tags))),
    ...(pppoe ? depths.map((tags) => ask(behindPppoe(tags))) : []),
    ...(qinq ? [hasTags(3)] : []),
  ];
  const wide = twins.join(' or ');
  if (user === undefined) return wide;
  const asked = `((ip or ip6) and (${user}))`;
  const narrowed = depths
    .slice(1)
    .reduceRight((inner) => `${asked} or (greater 14 and vlan and (${inner}))`, asked);
  return `(${narrowed}) and (${wide})`;
}

/* Twins for links on which libpcap knows no `vlan`, and for untagged Ethernet. */
function otherTwins(ask: Ask, vlan: boolean, pppoe: boolean, user: string | undefined): string {
  const narrow = (wide: string): string => (user === undefined ? wide : `(${wide}) and (${user})`);
  const asked = ask(KEYWORDS);
  const tagged = TAG_TYPES.map((type) => KEYWORDS.hasEthertype(type));
  const twin = narrow(vlan ? [asked, ...tagged].join(' or ') : asked);
  // Last: `pppoes` moves the place where all later words of the text look.
  return pppoe ? `${twin} or (pppoes and (${narrow(asked)}))` : twin;
}

function twinClauses(needs: FilterNeeds, form: LinkForm, user: string | undefined): Clause[] {
  const { vlan, qinq, pppoe } = form.carriers(needs.carriers);
  const clauses: Clause[] = [];
  if (vlan && form.tags === 'type')
    clauses.push({
      name: 'VLAN',
      why: 'tagged frames pass whole: libpcap knows no vlan on Linux cooked links',
    });
  if (vlan && form.tags === 'keyword')
    clauses.push({
      name: 'VLAN twin',
      why: 'the same behind one VLAN tag',
    });
  if (qinq && form.tags === 'keyword')
    clauses.push({ name: 'QinQ twin', why: 'the same behind two VLAN tags; frames with more pass whole' });
  if (pppoe) clauses.push({ name: 'PPPoE twin', why: 'the same behind a PPPoE session header' });
  if (user !== undefined) clauses.push({ name: 'your BPF', why: `narrows each twin: ${user}` });
  return clauses;
}
