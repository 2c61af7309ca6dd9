import type { Prefix } from '../wire/address.js';
import { parsePrefix } from '../wire/address.js';
import { PrefixTable } from '../wire/prefix-table.js';
import { ENDPOINT_ROLE, ENDPOINT_STATUS } from '../model/vocabulary.js';
import type { EndpointRoleName, EndpointStatusName } from '../model/vocabulary.js';
import type { Diagnostic } from '../yaml/diagnostic.js';
import { SourceError } from '../yaml/diagnostic.js';
import { compileSchema, YamlFile } from '../yaml/yaml-file.js';

/** A known tunnel endpoint, from rules/lists/. */
export interface Endpoint {
  readonly name: string;
  readonly status: EndpointStatusName;
  readonly statusNumber: number;
  readonly role: EndpointRoleName;
  readonly roleNumber: number;
  readonly source: string;
  /** ISO date on which someone last looked. */
  readonly lastChecked: string;
  readonly note: string;
}

interface RawEndpoint {
  readonly endpoint: string;
  readonly addresses: readonly string[];
  readonly role: EndpointRoleName;
  readonly status: EndpointStatusName;
  readonly source: string;
  readonly last_checked: string;
  readonly note?: string;
}

/** Known servers, relays and brokers, by address. */
export class EndpointList {
  readonly size: number;
  readonly #table: PrefixTable<Endpoint>;

  constructor(entries: readonly (readonly [Prefix, Endpoint])[]) {
    this.size = entries.length;
    this.#table = new PrefixTable(entries);
  }

  findV4(v4: number): Endpoint | undefined {
    return this.#table.findV4(v4);
  }

  find(words: ArrayLike<number>, at: number): Endpoint | undefined {
    return this.#table.find(words, at);
  }
}

/** Reads endpoint lists. Throws a SourceError that tells all mistakes with their places. */
export function readEndpointLists(
  sources: readonly { readonly name: string; readonly text: string }[],
  schema: { readonly $id: string },
): EndpointList {
  const validate = compileSchema(schema);
  const diagnostics: Diagnostic[] = [];
  const entries: (readonly [Prefix, Endpoint])[] = [];
  for (const source of sources) {
    const file = new YamlFile(source.name, source.text);
    diagnostics.push(...file.syntaxErrors);
    if (file.syntaxErrors.length > 0) continue;
    const mistakes = file.check(validate);
    diagnostics.push(...mistakes);
    if (mistakes.length > 0) continue;
    (file.value as RawEndpoint[]).forEach((raw, i) => {
      const endpoint: Endpoint = {
        name: raw.endpoint,
        status: raw.status,
        statusNumber: ENDPOINT_STATUS[raw.status],
        role: raw.role,
        roleNumber: ENDPOINT_ROLE[raw.role],
        source: raw.source,
        lastChecked: raw.last_checked,
        note: raw.note ?? '',
      };
      raw.addresses.forEach((text, j) => {
        const prefix = parsePrefix(text);
        if (typeof prefix === 'string') diagnostics.push(file.diagnose([i, 'addresses', j], prefix));
        else entries.push([prefix, endpoint]);
      });
    });
  }
  if (diagnostics.length > 0) throw new SourceError(diagnostics);
  return new EndpointList(entries);
}
