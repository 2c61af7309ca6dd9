/** Zeek's Log::default_max_field_string_bytes: octets of a string before it is escaped. */
const MAX_STRING_BYTES = 4096;

// eslint-disable-next-line no-control-regex -- the control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f]/g;

// eslint-disable-next-line no-control-regex -- the control characters are what it looks for
const NEEDS_CARE = /[\u0000-\u001f\u007f\ud800-\udfff]/;

/**
 * Text as Zeek puts it into a record: over-long values cut to 4096 octets, then control characters as `\xNN`. The cut
 * comes first, as in Zeek, so that it never falls inside a `\xNN`; it falls between characters. Octets that are no UTF-8
 * have no place in a JavaScript string: whoever makes text of a packet's octets writes them as `\xNN`. Lone surrogates,
 * which have no UTF-8 form, are written as the replacement character. (Zeek's JSON writer keeps tab, line feed and three
 * more control characters as `\t`, `\n` and so on; here they are `\xNN` too, so that no reader breaks a line there.)
 */
export function zeekText(text: string): string {
  if (text.length * 3 <= MAX_STRING_BYTES && !NEEDS_CARE.test(text)) return text;
  const wellFormed = text.replace(
    /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    '\ufffd',
  );
  return cut(wellFormed).replace(
    CONTROL,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

function cut(text: string): string {
  if (text.length * 3 <= MAX_STRING_BYTES || Buffer.byteLength(text) <= MAX_STRING_BYTES) return text;
  const bytes = Buffer.from(text);
  let end = MAX_STRING_BYTES;
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end).toString();
}
