import { LINK_TYPE } from '../../wire/numbers.js';
import { FilterError } from './filter-error.js';
import type { LinkCarriers } from './filter-needs.js';

/** What a link type allows a filter to ask. */
export class LinkForm {
  readonly hasIpv4: boolean;
  readonly hasIpv6: boolean;
  /**
   * `keyword`: libpcap follows tags with `vlan`; `type`: only the EtherType that announces a tag can be asked (Linux
   * cooked); `none`: only IP packets, no tags.
   */
  readonly tags: 'keyword' | 'type' | 'none';

  private constructor(tags: LinkForm['tags'], hasIpv4 = true, hasIpv6 = true) {
    this.tags = tags;
    this.hasIpv4 = hasIpv4;
    this.hasIpv6 = hasIpv6;
  }

  /** Throws a FilterError for a link type that the decoder does not read. */
  static of(linkType: number): LinkForm {
    switch (linkType) {
      case LINK_TYPE.ETHERNET:
        return new LinkForm('keyword');
      case LINK_TYPE.LINUX_SLL:
      case LINK_TYPE.LINUX_SLL2:
        return new LinkForm('type');
      case LINK_TYPE.PPP:
      case LINK_TYPE.PPP_HDLC:
      case LINK_TYPE.NULL:
      case LINK_TYPE.LOOP:
      case LINK_TYPE.RAW:
      case LINK_TYPE.RAW_12:
      case LINK_TYPE.RAW_14:
        return new LinkForm('none');
      case LINK_TYPE.IPV4:
        return new LinkForm('none', true, false);
      case LINK_TYPE.IPV6:
        return new LinkForm('none', false, true);
      default:
        throw new FilterError(
          `There is no automatic filter for link type ${linkType}; capture an Ethernet, Linux cooked, BSD loopback or raw IP interface.`,
        );
    }
  }

  /** Those of the configured carriers that this link can have; QinQ brings VLAN with it. */
  carriers({ vlan, qinq, mpls, pppoe }: LinkCarriers): LinkCarriers {
    const isLink = this.tags !== 'none';
    return {
      vlan: isLink && (vlan || qinq),
      qinq: isLink && qinq,
      mpls: isLink && mpls,
      pppoe: isLink && pppoe,
    };
  }
}
