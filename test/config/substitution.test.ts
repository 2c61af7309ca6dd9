import assert from 'node:assert/strict';
import fc from 'fast-check';
import { substitute } from '../../src/config/substitution.js';

const ENVIRONMENT = { HOST: 'kafka1', EMPTY: '', DOLLAR: '${HOST}', lower_1: 'x' };
const text = (source: string): string => {
  const { text: result, mistakes } = substitute(source, ENVIRONMENT);
  assert.deepEqual(mistakes, []);
  return result;
};

describe('substitution', () => {
  it('puts variables in', () => {
    assert.equal(text('${HOST}:9092'), 'kafka1:9092');
    assert.equal(text('a${HOST}b${lower_1}c'), 'akafka1bxc');
  });

  it('takes the default when a variable is unset or empty', () => {
    assert.equal(text('${NONE:-other}'), 'other');
    assert.equal(text('${EMPTY:-other}'), 'other');
    assert.equal(text('${HOST:-other}'), 'kafka1');
    assert.equal(text('${NONE:-}'), '');
    assert.equal(text('${NONE:-a:-b$c}'), 'a:-b$c');
  });

  it('takes an empty variable as it is when there is no default', () => {
    assert.equal(text('a${EMPTY}b'), 'ab');
  });

  it('reads two dollars as one, and leaves a lone one', () => {
    assert.equal(text('$${HOST}'), '${HOST}');
    assert.equal(text('a$b $5 $'), 'a$b $5 $');
    assert.equal(text('$$$$'), '$$');
  });

  it('does not look again at what came in', () => {
    assert.equal(text('${DOLLAR}'), '${HOST}');
  });

  it('says whether something came from the environment', () => {
    assert.equal(substitute('a', ENVIRONMENT).isSubstituted, false);
    assert.equal(substitute('$$', ENVIRONMENT).isSubstituted, false);
    assert.equal(substitute('${NONE:-x}', ENVIRONMENT).isSubstituted, true);
  });

  it('points at every variable that is not set', () => {
    const source = '${A}-${HOST}-${B}';
    assert.deepEqual(
      substitute(source, ENVIRONMENT).mistakes.map(({ from, to }) => source.slice(from, to)),
      ['${A}', '${B}'],
    );
  });

  it('does not find what every object has', () => {
    assert.equal(substitute('${constructor}', {}).mistakes.length, 1);
    assert.equal(substitute('${__proto__}', {}).mistakes.length, 1);
  });

  it('gives back every text whose dollars are doubled', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('$', '{', '}', ':', '-', 'A', ' ') }), (source) => {
        const { text: result, mistakes } = substitute(source.replaceAll('$', '$$$$'), {});
        assert.equal(result, source);
        assert.deepEqual(mistakes, []);
      }),
    );
  });
});
