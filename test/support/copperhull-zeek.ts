import type { ServerClient, TakenEvent } from './zeek-server.js';

/** Does what the handlers of deploy/zeek/copperhull.zeek do, as far as a client sees it. */
export class CopperhullZeek {
  readonly #handled = new Map<string, number>();
  /** Answers with another interface. */
  interfaceVersion = 1;
  /** Events that are lost on the way to the handlers. */
  lose = 0;
  isMute = false;

  readonly onEvent = (event: TakenEvent, client: ServerClient): void => {
    const [session, second] = event.args;
    if (session?.type !== 'string' || this.isMute) return;
    const name = session.value;
    const topic = `/copperhull/replies/${name}`;
    const sessionText = `{"@data-type":"string","data":${JSON.stringify(name)}}`;
    const countText = (value: number | bigint): string => `{"@data-type":"count","data":${value}}`;
    switch (event.name) {
      case 'CopperhullBridge::hello':
        this.#handled.delete(name);
        client.publish(topic, 'CopperhullBridge::ready', [sessionText, countText(this.interfaceVersion)]);
        break;
      case 'CopperhullBridge::sync':
        client.publish(topic, 'CopperhullBridge::synced', [
          sessionText,
          countText(second?.type === 'count' ? second.value : 0),
          countText(this.#handled.get(name) ?? 0),
        ]);
        this.#handled.delete(name);
        break;
      default:
        if (this.lose > 0) this.lose--;
        else this.#handled.set(name, (this.#handled.get(name) ?? 0) + 1);
    }
  };
}
