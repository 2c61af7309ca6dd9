/** A layer as one of the two decoders shows it, in terms that both know. */
export interface DissectedLayer {
  /** Our name of the layer. */
  readonly layer: string;
  /** Offset in the frame, or in the datagram that fragments made. */
  readonly offset: number;
  /** Only what the decoder told. */
  readonly fields: Readonly<Record<string, string | number>>;
}

export interface DissectedPacket {
  readonly number: number;
  readonly layers: readonly DissectedLayer[];
  /** Our verdict, or what we say against a tunnel over UDP; empty for the other side. */
  readonly verdict: string;
}
