/** Writers of capture files for tests: every form that the readers accept. */
export interface WrittenPacket {
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly bytes: Uint8Array;
  readonly wireLength?: number;
}

export interface PcapForm {
  readonly isLittle?: boolean;
  readonly isNano?: boolean;
  readonly linkType?: number;
  readonly magic?: number;
}

export function pcap(packets: readonly WrittenPacket[], form: PcapForm = {}): Buffer {
  const { isLittle = true, isNano = true, linkType = 1 } = form;
  const magic = form.magic ?? (isNano ? 0xa1b23c4d : 0xa1b2c3d4);
  const header = fields(
    isLittle,
    ['u32', magic],
    ['u16', 2],
    ['u16', 4],
    ['u32', 0],
    ['u32', 0],
    ['u32', 262_144],
    ['u32', linkType],
  );
  return Buffer.concat([
    header,
    ...packets.flatMap(({ seconds, nanoseconds, bytes, wireLength }) => [
      fields(
        isLittle,
        ['u32', seconds],
        ['u32', isNano ? nanoseconds : Math.floor(nanoseconds / 1000)],
        ['u32', bytes.length],
        ['u32', wireLength ?? bytes.length],
      ),
      bytes,
    ]),
  ]);
}

type Width = 'u8' | 'u16' | 'u32';

export function fields(isLittle: boolean, ...values: readonly (readonly [Width, number])[]): Buffer {
  return Buffer.concat(
    values.map(([width, value]) => {
      const bytes = Buffer.alloc(width === 'u8' ? 1 : width === 'u16' ? 2 : 4);
      if (width === 'u8') bytes.writeUInt8(value);
      else if (width === 'u16') isLittle ? bytes.writeUInt16LE(value) : bytes.writeUInt16BE(value);
      else isLittle ? bytes.writeUInt32LE(value >>> 0) : bytes.writeUInt32BE(value >>> 0);
      return bytes;
    }),
  );
}

/** A pcapng block: type, length, padded body, length. */
export function block(isLittle: boolean, type: number, body: Buffer): Buffer {
  const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
  const length = padded.length + 12;
  return Buffer.concat([
    fields(isLittle, ['u32', type], ['u32', length]),
    padded,
    fields(isLittle, ['u32', length]),
  ]);
}

export function section(isLittle: boolean): Buffer {
  const body = Buffer.concat([
    fields(isLittle, ['u32', 0x1a2b3c4d], ['u16', 1], ['u16', 0]),
    Buffer.alloc(8, 0xff),
  ]);
  return block(isLittle, 0x0a0d0d0a, body);
}

export interface InterfaceForm {
  readonly linkType?: number;
  readonly snapLength?: number;
  readonly resolution?: number;
  readonly offsetSeconds?: number;
  readonly name?: string;
}

export function interfaceBlock(isLittle: boolean, form: InterfaceForm = {}): Buffer {
  const options: Buffer[] = [];
  const option = (code: number, value: Buffer): void => {
    options.push(
      fields(isLittle, ['u16', code], ['u16', value.length]),
      value,
      Buffer.alloc((4 - (value.length % 4)) % 4),
    );
  };
  if (form.name !== undefined) option(2, Buffer.from(form.name));
  if (form.resolution !== undefined) option(9, Buffer.of(form.resolution));
  if (form.offsetSeconds !== undefined) {
    const value = Buffer.alloc(8);
    isLittle
      ? value.writeBigInt64LE(BigInt(form.offsetSeconds))
      : value.writeBigInt64BE(BigInt(form.offsetSeconds));
    option(14, value);
  }
  if (options.length > 0) options.push(Buffer.alloc(4));
  const body = fields(isLittle, ['u16', form.linkType ?? 1], ['u16', 0], ['u32', form.snapLength ?? 0]);
  return block(isLittle, 1, Buffer.concat([body, ...options]));
}

export function enhancedPacket(
  isLittle: boolean,
  id: number,
  units: bigint,
  bytes: Uint8Array,
  wireLength = bytes.length,
): Buffer {
  return block(
    isLittle,
    6,
    Buffer.concat([
      fields(
        isLittle,
        ['u32', id],
        ['u32', Number(units >> 32n)],
        ['u32', Number(units & 0xffffffffn)],
        ['u32', bytes.length],
        ['u32', wireLength],
      ),
      bytes,
    ]),
  );
}

export function simplePacket(isLittle: boolean, bytes: Uint8Array, wireLength = bytes.length): Buffer {
  return block(isLittle, 3, Buffer.concat([fields(isLittle, ['u32', wireLength]), bytes]));
}

export function obsoletePacket(isLittle: boolean, id: number, units: bigint, bytes: Uint8Array): Buffer {
  return block(
    isLittle,
    2,
    Buffer.concat([
      fields(
        isLittle,
        ['u16', id],
        ['u16', 0],
        ['u32', Number(units >> 32n)],
        ['u32', Number(units & 0xffffffffn)],
        ['u32', bytes.length],
        ['u32', bytes.length],
      ),
      bytes,
    ]),
  );
}
