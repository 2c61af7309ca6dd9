/**
 * What is fuzzed: a module in the shape of libFuzzer's targets, so that other engines (Jazzer.js) can run it too. `fuzz`
 * throws, or rejects, only when something is wrong with the code it feeds.
 */
export interface FuzzTarget {
  readonly fuzz: (data: Buffer) => void | Promise<void>;
  /** What the last input led to, in a word. An input that leads to something new is kept and damaged further. */
  readonly trait?: () => string;
  /** Longest input, in octets. */
  readonly maxLength: number;
  /** How much of the time it gets, 1 unless told: slow targets need more. */
  readonly share?: number;
  /** Octets that mean something to this target; they are written into inputs. */
  readonly tokens?: readonly Uint8Array[];
  /** Makes lengths and sums of an input right again, in place. Done to every other input. */
  readonly repair?: (data: Buffer) => void;
  /** Inputs to begin with. */
  readonly seeds: () => Promise<Buffer[]> | Buffer[];
}
