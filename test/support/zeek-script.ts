import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ZeekValue } from '../../src/zeek/bridge/index.js';

export const COPPERHULL_ZEEK = fileURLToPath(new URL('../../deploy/zeek/copperhull.zeek', import.meta.url));

export interface ScriptField {
  readonly name: string;
  readonly type: string;
  readonly isOptional: boolean;
}

/** What a Zeek script declares, as far as the tests need it; read from its text. */
export interface ScriptDeclarations {
  /** By name without module. */
  readonly records: ReadonlyMap<string, readonly ScriptField[]>;
  /** Types of the arguments, by name with module. */
  readonly events: ReadonlyMap<string, readonly string[]>;
  /** Enum values added to Notice::Type, with module. */
  readonly noticeTypes: readonly string[];
  /** Keys and values of tables of Notice::Type. */
  readonly noticeNames: ReadonlyMap<string, string>;
  /** Names of other scripts that are used only where they are declared. */
  readonly guardedNames: readonly string[];
  readonly constants: ReadonlyMap<string, string>;
}

export function readScript(path = COPPERHULL_ZEEK): ScriptDeclarations {
  const code = readFileSync(path, 'utf8').replace(/^\s*#.*$/gm, '');
  const records = new Map<string, ScriptField[]>();
  const events = new Map<string, string[]>();
  const noticeTypes: string[] = [];
  const constants = new Map<string, string>();
  for (const part of code.split(/^module /m).slice(1)) {
    const module = /^\w+/.exec(part)![0];
    for (const [, name, body] of part.matchAll(/type (\w+): record \{([^}]*)\}/g)) {
      records.set(
        name!,
        [...body!.matchAll(/(\w+): ([^;&]+?)\s*((?:&\w+\s*)*);/g)].map(([, field, type, attributes]) => ({
          name: field!,
          type: type!,
          isOptional: attributes!.includes('&optional'),
        })),
      );
    }
    for (const [, name, parameters] of part.matchAll(/global (\w+): event\(([^)]*)\) &is_used/g)) {
      events.set(
        `${module}::${name}`,
        parameters!.split(',').map((parameter) => parameter.split(':')[1]!.trim()),
      );
    }
    for (const [, names] of part.matchAll(/redef enum Notice::Type \+= \{([^}]*)\}/g))
      noticeTypes.push(...[...names!.matchAll(/\w+/g)].map(([name]) => `${module}::${name}`));
    for (const [, name, value] of part.matchAll(/const (\w+)(?:: \w+)? = ([^;]*?)(?: &redef)?;/g))
      constants.set(name!, value!);
  }
  const noticeNames = new Map(
    [...code.matchAll(/\["([\w:]+)"\]\s*=\s*([\w:]+)/g)].map(([, key, value]) => [key!, value!]),
  );
  const guardedNames = [...code.matchAll(/^@ifdef \( ([\w:]+) \)$/gm)].map(([, name]) => name!);
  return { records, events, noticeTypes, noticeNames, guardedNames, constants };
}

const TYPES: Readonly<Record<string, ZeekValue['type']>> = {
  string: 'string',
  count: 'count',
  int: 'integer',
  double: 'real',
  bool: 'boolean',
  addr: 'address',
  subnet: 'subnet',
  port: 'port',
  time: 'timestamp',
  interval: 'timespan',
};

/** Fails unless Zeek could make the declared type of the value. */
export function assertFits(value: ZeekValue | undefined, type: string, script: ScriptDeclarations): void {
  const fields = script.records.get(type);
  if (fields === undefined) {
    assert.ok(TYPES[type] !== undefined, `the tests know the type ${type}`);
    assert.equal(value?.type, TYPES[type]);
    return;
  }
  assert.ok(value?.type === 'vector' && value.items.length === fields.length, `${type} has all its fields`);
  fields.forEach((field, i) => {
    const item = value.items[i]!;
    if (item.type === 'none') assert.ok(field.isOptional, `${field.name} is set`);
    else assertFits(item, field.type, script);
  });
}
