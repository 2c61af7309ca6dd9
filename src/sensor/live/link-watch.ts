import type { InterfaceDescription } from '../../capture/native-addon.js';
import type { InterfaceEvent } from './worker-messages.js';

/** What is looked after: a capture, and whether its interface is there at all, which others watch. */
export interface WatchedLink {
  readonly label: string;
  readonly name: string;
  readonly isCapturing: boolean;
}

type Link = 'up' | 'down' | 'without carrier';

interface Known {
  /** As it was told last. */
  told: Link;
  /** As it was seen last; told when it is seen a second time, because a link that comes up flaps. */
  seen: Link;
}

/**
 * Tells of interfaces that are captured from and can bring nothing: set down, or the cable is out. libpcap says nothing of
 * it, and a sensor without packets looks like a network without.
 */
export class LinkWatch {
  readonly #known = new Map<string, Known>();
  readonly #list: () => readonly InterfaceDescription[];
  readonly #tell: (event: InterfaceEvent) => void;
  #isBlind = false;

  /** `list` gives the interfaces as they are; `tell` hears of each change once. */
  constructor(list: () => readonly InterfaceDescription[], tell: (event: InterfaceEvent) => void) {
    this.#list = list;
    this.#tell = tell;
  }

  /** Looks once; call it every few seconds. That it cannot is told once, and ends nothing. */
  look(captures: readonly WatchedLink[]): void {
    let list;
    try {
      list = this.#list();
      this.#isBlind = false;
    } catch (error) {
      if (!this.#isBlind) this.#tell({ event: 'link-unknown', label: '', reason: (error as Error).message });
      this.#isBlind = true;
      return;
    }
    const links = new Map(list.map((each) => [each.name, linkOf(each)]));
    for (const { label, name, isCapturing } of captures) {
      const link = links.get(name);
      // `any` has no link of its own, and one that is gone is told as that.
      if (name === 'any' || link === undefined || !isCapturing) continue;
      const known = this.#known.get(label) ?? { told: 'up', seen: link };
      this.#known.set(label, known);
      const isSteady = known.seen === link;
      known.seen = link;
      if (!isSteady || known.told === link) continue;
      known.told = link;
      if (link === 'up') this.#tell({ event: 'link-up', label, reason: '' });
      else this.#tell({ event: 'link-down', label, reason: link });
    }
  }
}

function linkOf({ isUp, isRunning }: InterfaceDescription): Link {
  if (!isUp) return 'down';
  return isRunning ? 'up' : 'without carrier';
}
