import type { BeatsOptions } from './beats.js';
import { beatsEnvelope } from './beats.js';
import type { Envelope } from './envelope.js';
import type { FlatOptions } from './flat.js';
import { flatEnvelope } from './flat.js';
import type { TaggedOptions } from './tagged.js';
import { taggedEnvelope } from './tagged.js';

interface OptionsByName {
  readonly flat: FlatOptions;
  readonly tagged: TaggedOptions;
  readonly beats: BeatsOptions;
}

export type EnvelopeName = keyof OptionsByName;

/** Options of one envelope, told apart by its name. */
export type EnvelopeOptions<Name extends EnvelopeName = EnvelopeName> = {
  [Each in Name]: { readonly envelope: Each } & OptionsByName[Each];
}[Name];

/** Every envelope: a new one is a file, a line in {@link OptionsByName} and a line here. */
export const ENVELOPES: { readonly [Name in EnvelopeName]: (options: OptionsByName[Name]) => Envelope } = {
  flat: flatEnvelope,
  tagged: taggedEnvelope,
  beats: beatsEnvelope,
};

/** Makes the envelope that the options name. Throws a SinkError when they cannot be met. */
export function makeEnvelope<Name extends EnvelopeName>(options: EnvelopeOptions<Name>): Envelope {
  return ENVELOPES[options.envelope](options);
}
