import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BoundedTable } from '../../src/state/bounded-table.js';

function put(table: BoundedTable, value: number, now: number, list = 0): number {
  table.key[0] = value;
  const slot = table.find();
  if (slot >= 0) {
    table.touch(slot, now);
    return slot;
  }
  return table.insert(now, list);
}

function has(table: BoundedTable, value: number): boolean {
  table.key[0] = value;
  return table.find() >= 0;
}

describe('a bounded table', () => {
  it('behaves as a map that evicts what was idle longest', () => {
    const step = fc.record({
      action: fc.constantFrom('put', 'put', 'put', 'remove', 'find'),
      key: fc.integer({ min: 0, max: 40 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 1, max: 24 }), (steps, capacity) => {
        const evicted: number[] = [];
        const table: BoundedTable = new BoundedTable({
          keyWords: 1,
          capacity,
          onEvict: (slot) => evicted.push(table.keyWord(slot, 0)),
        });
        // A Map keeps insertion order, which touching renews: its first key is the oldest.
        const model = new Map<number, number>();
        const modelEvicted: number[] = [];
        steps.forEach(({ action, key }, now) => {
          if (action === 'put') {
            put(table, key, now);
            if (!model.delete(key) && model.size >= capacity) {
              const oldest = model.keys().next().value!;
              model.delete(oldest);
              modelEvicted.push(oldest);
            }
            model.set(key, now);
          } else if (action === 'remove') {
            table.key[0] = key;
            const slot = table.find();
            assert.equal(slot >= 0, model.delete(key));
            if (slot >= 0) table.remove(slot);
          } else assert.equal(has(table, key), model.has(key));
          assert.equal(table.size, model.size);
        });
        assert.deepEqual(evicted, modelEvicted);
        for (let key = 0; key <= 40; key++) assert.equal(has(table, key), model.has(key));
        const order: number[] = [];
        for (let slot = table.oldest(); slot >= 0; slot = table.younger(slot))
          order.push(table.keyWord(slot, 0));
        assert.deepEqual(order, [...model.keys()]);
      }),
    );
  });

  it('stays at its capacity in a flood, and counts what made room', () => {
    const table = new BoundedTable({ keyWords: 1, capacity: 1000 });
    for (let i = 0; i < 50_000; i++) put(table, i, i);
    assert.equal(table.size, 1000);
    assert.equal(table.evictions, 49_000);
    assert.ok(has(table, 49_999));
    assert.ok(!has(table, 48_999));
  });

  it('keeps entries of different lists apart and evicts the oldest of all', () => {
    const table = new BoundedTable({ keyWords: 1, capacity: 3, ageLists: 2 });
    put(table, 1, 10, 0);
    put(table, 2, 5, 1);
    put(table, 3, 20, 1);
    assert.equal(table.keyWord(table.oldest(0), 0), 1);
    assert.equal(table.keyWord(table.oldest(1), 0), 2);
    put(table, 4, 30, 0);
    assert.ok(!has(table, 2));
  });

  it('keeps slots stable while it grows', () => {
    let grows = 0;
    const table = new BoundedTable({ keyWords: 2, capacity: 100_000, onGrow: () => grows++ });
    const slots = new Map<number, number>();
    for (let i = 0; i < 5000; i++) {
      table.key[0] = i;
      table.key[1] = i * 7;
      slots.set(i, table.insert(i));
    }
    assert.ok(grows > 3);
    for (const [i, slot] of slots) {
      table.key[0] = i;
      table.key[1] = i * 7;
      assert.equal(table.find(), slot);
    }
  });
});
