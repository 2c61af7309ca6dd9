/** Zeek's Log::default_max_field_string_bytes. */
const MAX_STRING_BYTES = 4096;

// eslint-disable-next-line no-control-regex -- the control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f]/g;

// eslint-disable-next-line no-control-regex -- the control characters are what it looks for
const NEEDS_CARE = /[\u0000-\u001f\u007f\ud800-\udfff]/;

/**
 * Text as Zeek puts it into a record: control characters as `\xNN`, over-long values cut. Lone surrogates, which have no
 * UTF-8 form, are written as the replacement character.
 */
export function zeekText(text: string): string {
  if (text.length * 3 <= MAX_STRING_BYTES && !NEEDS_CARE.test(text)) return text;
  const clean = text.replace(
    CONTROL,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  const wellFormed = clean.replace(
    /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    '\ufffd',
  );
  if (wellFormed.length * 3 <= MAX_STRING_BYTES || Buffer.byteLength(wellFormed) <= MAX_STRING_BYTES)
    return wellFormed;
  const bytes = Buffer.from(wellFormed);
  let end = MAX_STRING_BYTES;
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end).toString();
}
