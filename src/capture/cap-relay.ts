import type { MessagePort } from 'node:worker_threads';
import { receiveMessageOnPort } from 'node:worker_threads';
import { CapFeed } from './cap-feed.js';
import type { CapPackage } from './cap-package.js';
import { loadCap } from './cap-package.js';
import type { CaptureErrorCode } from './capture-error.js';
import { CaptureError } from './capture-error.js';
import type { LiveOptions } from './live-options.js';
import type { FilledSlab } from './slab-reader.js';

/* A capture of `cap` on the main thread, used from another. Slabs are transferred there and back, never copied. */

/** From the thread that reads. */
export type RelayOrder =
  | { readonly kind: 'start' }
  | { readonly kind: 'give-back'; readonly buffer: ArrayBuffer }
  /** Checks a filter, or puts it in force. */
  | { readonly kind: 'filter'; readonly id: number; readonly text: string; readonly isForUse: boolean }
  | { readonly kind: 'close' };

/** From the main thread. */
export type RelayNews =
  /** `counts` as those of `CapFeed`. */
  | { readonly kind: 'opened'; readonly linkType: number; readonly counts: Float64Array }
  | { readonly kind: 'refused'; readonly fault: RelayFault }
  | { readonly kind: 'slab'; readonly slab: FilledSlab }
  | { readonly kind: 'filtered'; readonly id: number; readonly fault: RelayFault | undefined }
  /** No slab comes any more. */
  | { readonly kind: 'over' };

/** A CaptureError that crosses the threads. */
export interface RelayFault {
  readonly code: CaptureErrorCode;
  readonly message: string;
}

/**
 * Captures on the main thread for whoever is at the other end of the port, until told to close or the other end is gone.
 * Whatever is wrong is told through the port.
 */
export function relayCap(port: MessagePort, options: LiveOptions, load: () => CapPackage = loadCap): void {
  const tell = (news: RelayNews, transfer: readonly ArrayBuffer[] = []): void =>
    port.postMessage(news, transfer);
  let feed: CapFeed;
  try {
    feed = new CapFeed(options, load);
  } catch (error) {
    tell({ kind: 'refused', fault: faultOf(error) });
    port.close();
    return;
  }
  const filter = (text: string, isForUse: boolean): RelayFault | undefined => {
    try {
      if (isForUse) feed.setFilter(text);
      else feed.checkFilter(text);
      return undefined;
    } catch (error) {
      return faultOf(error);
    }
  };
  const taker = {
    take: (slab: FilledSlab): void => tell({ kind: 'slab', slab }, [slab.buffer]),
    reclaim: (): void => {
      for (;;) {
        const received = receiveMessageOnPort(port) as { readonly message: RelayOrder } | undefined;
        if (received === undefined) return;
        obey(received.message);
      }
    },
  };
  const obey = (order: RelayOrder): void => {
    switch (order.kind) {
      case 'start':
        feed.start(taker);
        return;
      case 'give-back':
        feed.takeBack(order.buffer);
        return;
      case 'filter':
        tell({ kind: 'filtered', id: order.id, fault: filter(order.text, order.isForUse) });
        return;
      case 'close':
        feed.close();
        tell({ kind: 'over' });
    }
  };
  port.on('message', obey);
  port.on('close', () => feed.close());
  tell({ kind: 'opened', linkType: feed.linkType, counts: feed.counts });
}

function faultOf(error: unknown): RelayFault {
  if (error instanceof CaptureError) return { code: error.code, message: error.message };
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: 'capture-failed', message: text };
}
