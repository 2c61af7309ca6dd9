import { SeededRandom } from '../oracle.d/generator.js';
import { minimised } from './minimise.js';
import { Mutator } from './mutator.js';
import type { FuzzTarget } from './target.js';

/** An input that made a target throw. */
export interface Finding {
  readonly target: string;
  /** Error and place: findings of the same signature are one. */
  readonly signature: string;
  readonly message: string;
  readonly data: Buffer;
}

export interface CampaignOptions {
  readonly name: string;
  readonly seed: number;
  /** Inputs that are kept with the code. */
  readonly kept: readonly Buffer[];
  /** Called before every execution: whoever watches must know the input, should it never end. */
  readonly onInput: (data: Buffer) => void;
}

/** Inputs that were kept because they led to something new; beyond this one makes room for another. */
const MOST_GROWN = 2_000;
const MOST_TRAITS = 100_000;
const MOST_FINDINGS = 10;

/** The fuzzing of one target. The same seed gives the same inputs in the same order, however they are cut into turns. */
export class Campaign {
  readonly name: string;
  executions = 0;
  readonly findings: Finding[] = [];
  readonly #target: FuzzTarget;
  readonly #options: CampaignOptions;
  readonly #random: SeededRandom;
  readonly #mutator: Mutator;
  readonly #corpus: Buffer[];
  readonly #seeds: number;
  readonly #traits = new Set<string>();
  #next = 0;

  private constructor(target: FuzzTarget, seeds: readonly Buffer[], options: CampaignOptions) {
    this.name = options.name;
    this.#target = target;
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    this.#mutator = new Mutator(this.#random, { maxLength: target.maxLength, tokens: target.tokens ?? [] });
    this.#corpus = seeds.map((seed) => seed.subarray(0, target.maxLength));
    this.#seeds = seeds.length;
  }

  static async create(target: FuzzTarget, options: CampaignOptions): Promise<Campaign> {
    const seeds = [...options.kept, ...(await target.seeds())];
    return new Campaign(target, seeds.length > 0 ? seeds : [Buffer.alloc(1)], options);
  }

  get corpusSize(): number {
    return this.#corpus.length;
  }

  /** Different things that inputs led to. */
  get traits(): number {
    return this.#traits.size;
  }

  get share(): number {
    return this.#target.share ?? 1;
  }

  /** Executes `count` inputs: the seeds as they are, each followed by a damaged one, then damaged ones. */
  async turn(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const isSeed = this.#next < this.#seeds && this.executions % 2 === 0;
      const data = isSeed ? this.#corpus[this.#next++]! : this.#draw();
      this.executions++;
      const error = await this.#execute(data);
      if (error !== undefined) await this.#found(data, error);
      else if (this.#isNew() && !isSeed) this.#keep(data);
    }
  }

  #draw(): Buffer {
    const random = this.#random;
    const data = this.#mutator.mutate(random.pick(this.#corpus), random.pick(this.#corpus));
    if (random.oneIn(2)) this.#target.repair?.(data);
    return data;
  }

  async #execute(data: Buffer): Promise<unknown> {
    this.#options.onInput(data);
    try {
      // A copy: what a target does to its input must not reach the corpus.
      await this.#target.fuzz(Buffer.from(data));
      return undefined;
    } catch (error) {
      return error ?? new Error('nothing was thrown');
    }
  }

  #isNew(): boolean {
    const trait = this.#target.trait?.();
    if (trait === undefined || this.#traits.has(trait) || this.#traits.size === MOST_TRAITS) return false;
    this.#traits.add(trait);
    return true;
  }

  #keep(data: Buffer): void {
    if (this.#corpus.length < this.#seeds + MOST_GROWN) this.#corpus.push(data);
    else this.#corpus[this.#seeds + this.#random.below(MOST_GROWN)] = data;
  }

  async #found(data: Buffer, error: unknown): Promise<void> {
    const signature = signatureOf(error);
    if (this.findings.length >= MOST_FINDINGS || this.findings.some((one) => one.signature === signature))
      return;
    const small = await minimised(data, async (smaller) => {
      const other = await this.#execute(smaller);
      return other !== undefined && signatureOf(other) === signature;
    });
    const last = (await this.#execute(small)) ?? error;
    const message = last instanceof Error ? (last.stack ?? last.message) : String(last);
    this.findings.push({ target: this.name, signature, message, data: small });
  }
}

/* The kind of error, its sentence without numbers and quotes, and the place in our code where it was thrown. */
function signatureOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error).slice(0, 80);
  const place = /\((?:file:\/\/)?[^()]*\/((?:src|scripts|test)\/[^():]+)/.exec(error.stack ?? '')?.[1] ?? '';
  const sentence = error.message.split('\n')[0]!.replace(/"[^"]*"|'[^']*'|[\d.]+/g, '#');
  return `${error.name} ${place} ${sentence.slice(0, 60)}`;
}
