import { IP, ROW } from '../decode/layers.js';
import type { LayerStack } from '../decode/layers.js';
import { VERDICT, VERDICTS } from '../decode/verdicts.js';
import type { Verdict } from '../decode/verdicts.js';
import type { WeirdEvent } from '../model/records.js';
import { BoundedTable, grown } from '../state/bounded-table.js';
import type { Counters } from './counters.js';
import type { Identities } from './identities.js';
import type { PacketScene } from './packet-scene.js';
import { hostsOf, SAMPLING } from './weird-log.js';
import type { WeirdLog } from './weird-log.js';
import type { ZeekWeird } from './zeek-weirds.js';
import { zeekWeird } from './zeek-weirds.js';
import { MOST_CHANGES } from './zeek-tunnel-log.js';

/** The script's table weird_ignore forgets a name and pair, or connection, after this time; did_log after a day. */
const IGNORED_SECONDS = 600;
const LOGGED_SECONDS = 86_400;
/* Words of a key: the verdict, and the pair, the connection (by an identity of two words), or zeros. */
const KEY_WORDS = 9;
/** Stands for the verdict of a weird that no decoder raises. */
const TOO_MANY_CHANGES = VERDICTS.length;
const NONE = -1;

/**
 * Weirds as Zeek writes them. Its core samples them, and its script leaves out those that it wrote in the last ten minutes.
 * So each name comes once in ten minutes for a pair of hosts or a connection.
 */
export class ZeekWeirdLog implements WeirdLog {
  readonly #table: BoundedTable;
  readonly #counters: Counters;
  readonly #sensor: string;
  readonly #emit: (event: WeirdEvent) => void;
  readonly #identities: Identities;
  #seen = new Uint32Array(0);
  /* Since when the core counts, and when the script wrote last. */
  #since = new Float64Array(0);
  #written = new Float64Array(0);

  constructor(
    capacity: number,
    counters: Counters,
    sensor: string,
    emit: (event: WeirdEvent) => void,
    identities: Identities,
  ) {
    this.#counters = counters;
    this.#sensor = sensor;
    this.#emit = emit;
    this.#identities = identities;
    this.#table = new BoundedTable({
      keyWords: KEY_WORDS,
      capacity,
      onGrow: (slots) => {
        this.#seen = grown(this.#seen, new Uint32Array(slots));
        this.#since = grown(this.#since, new Float64Array(slots));
        this.#written = grown(this.#written, new Float64Array(slots));
      },
    });
  }

  get size(): number {
    return this.#table.size;
  }

  get evictions(): number {
    return this.#table.evictions;
  }

  report(scene: PacketScene): void {
    const { stack } = scene;
    for (let i = 0; i < stack.notes; i++) this.#one(scene, stack.note[i]!, stack.noteDepth[i]!);
    if (stack.verdict !== VERDICT.ok) this.#one(scene, stack.verdict, stack.encapsulations);
  }

  /** What no decoder raises has no name in Zeek. */
  reportNamed(): void {
    return;
  }

  /** An inner flow changed its tunnels more often than Zeek follows. */
  reportChanges(scene: PacketScene, flow: number): void {
    const { key } = this.#table;
    key.fill(0);
    const uid = this.#identities.flowUid(flow);
    this.#identities.flowIdentity(flow, key, 1);
    if (!this.#isWritten(TOO_MANY_CHANGES, scene.seconds, true, IGNORED_SECONDS)) return;
    this.#write(scene, 'tunnel_max_changes_per_connection_exceeded', String(MOST_CHANGES), undefined, {
      uid,
      connection: this.#identities.flowConnection(flow),
    });
  }

  #one(scene: PacketScene, verdict: Verdict, depth: number): void {
    const weird = zeekWeird(scene.stack, verdict, depth);
    if (weird === undefined) return;
    const tunnel = weird.about === 'tunnel' ? tunnelOf(scene, depth) : NONE;
    const { key } = this.#table;
    key.fill(0);
    if (tunnel >= 0) this.#identities.tunnelIdentity(tunnel, key, 1);
    else if (weird.ip >= 0) this.#fillHosts(scene.stack, weird);
    const silence = weird.isPerOriginator === true ? LOGGED_SECONDS : IGNORED_SECONDS;
    if (!this.#isWritten(verdict, scene.seconds, tunnel >= 0, silence)) {
      this.#counters.weirdsSampledOut++;
      return;
    }
    this.#write(scene, weird.name, weird.detail, weird.source, {
      uid: tunnel < 0 ? undefined : this.#identities.tunnelUid(tunnel),
      connection: tunnel < 0 ? hostsOf(scene.stack, weird.ip) : this.#identities.tunnelConnection(tunnel),
    });
  }

  #fillHosts({ words }: LayerStack, { ip, isPerOriginator }: ZeekWeird): void {
    const { key } = this.#table;
    const row = ip * ROW;
    for (let i = 0; i < 4; i++) key[1 + i] = words[row + IP.SRC + i]!;
    if (isPerOriginator === true) return;
    for (let i = 0; i < 4; i++) key[5 + i] = words[row + IP.DST + i]!;
  }

  /*
   * The core's count begins anew ten minutes after its first weird of a pair; that of a connection ten minutes after the
   * sampling began, as `since` then says.
   */
  #isWritten(verdict: Verdict, now: number, isConnection: boolean, silenceSeconds: number): boolean {
    const table = this.#table;
    table.key[0] = verdict;
    let slot = table.find();
    if (slot < 0) {
      slot = table.insert(now);
      this.#seen[slot] = 0;
      this.#since[slot] = now;
      this.#written[slot] = -Infinity;
    } else {
      table.touch(slot, now);
      const isSampling = !isConnection || this.#seen[slot]! > SAMPLING.threshold;
      if (isSampling && now - this.#since[slot]! > SAMPLING.seconds) {
        this.#seen[slot] = 0;
        this.#since[slot] = now;
      }
    }
    const seen = ++this.#seen[slot]!;
    if (isConnection && seen === SAMPLING.threshold + 1) this.#since[slot] = now;
    const isSampled = seen <= SAMPLING.threshold || (seen - SAMPLING.threshold) % SAMPLING.rate === 0;
    if (!isSampled || now - this.#written[slot]! < silenceSeconds) return false;
    this.#written[slot] = now;
    return true;
  }

  #write(
    scene: PacketScene,
    name: string,
    detail: string | undefined,
    source: string | undefined,
    about: Pick<WeirdEvent, 'uid' | 'connection'>,
  ): void {
    this.#counters.weirds++;
    this.#emit({
      time: scene.time,
      ...about,
      name,
      detail,
      source,
      captureFile: scene.captureFile,
      packetNumber: scene.number,
      sensor: this.#sensor,
    });
  }
}

/* Its own header is at fault before a tunnel is opened; a datagram that is refused belongs to the tunnel of its flow. */
function tunnelOf(scene: PacketScene, depth: number): number {
  return depth < scene.levels ? scene.tunnel[depth]! : scene.flowTunnel;
}
