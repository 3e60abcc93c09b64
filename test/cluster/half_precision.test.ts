import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { halfPrecisions } from '../../src/cluster/half_precision.ts';

const formats = Object.entries(halfPrecisions);

function thereAndBack(format: (typeof formats)[number][1], values: Float32Array): Float32Array {
  const half = new Uint16Array(format.length(values.length));
  const back = new Float32Array(values.length);
  format.encode(values, half);
  format.decode(half, back);
  return back;
}

test('bfloat16 is the upper half of float32, rounded to nearest, ties to even', () => {
  const bits = (number: number) => {
    const half = new Uint16Array(1);
    halfPrecisions.bfloat16.encode(Float32Array.of(number), half);
    return half[0];
  };
  for (const [number, expected] of [
    [0, 0x0000],
    [-0, 0x8000],
    [1, 0x3f80],
    [-2, 0xc000],
    [1 + 2 ** -8, 0x3f80], // half way: to the even one
    [1 + 3 * 2 ** -8, 0x3f82],
    [1 + 2 ** -8 + 2 ** -20, 0x3f81],
    [3.4028234663852886e38, 0x7f80], // the largest float32 rounds to infinity
    [Number.POSITIVE_INFINITY, 0x7f80],
    [Number.NaN, 0x7fc0],
  ] as const) {
    assert.equal(bits(number), expected, String(number));
  }
});

test('float16 keeps the values that it can represent exactly', () => {
  for (const power of [-130, -100, -20, 0, 20, 100]) {
    const exact = Float32Array.from({ length: 2048 }, (_, index) => (index - 1024) * 2 ** power);
    assert.deepEqual(thereAndBack(halfPrecisions.float16, exact), exact);
  }
});

for (const [name, bits, smallest] of [
  ['bfloat16', 8, 0],
  ['float16', 11, 2 ** -38],
] as const) {
  test(`${name} is off by at most half of its last bit`, () => {
    fc.assert(
      fc.property(fc.float32Array({ ...floatRange(), minLength: 1, maxLength: 9000 }), (values) => {
        const most = Math.max(...values.map(Math.abs));
        const back = thereAndBack(halfPrecisions[name], values);
        for (const [index, value] of values.entries()) {
          const allowed = Math.abs(value) * 2 ** -bits + most * smallest + 1e-38;
          assert.ok(Math.abs((back[index] as number) - value) <= allowed, `${value} became ${back[index]}`);
        }
      }),
      { numRuns: 50 },
    );
  });
}

function floatRange() {
  return { noNaN: true, noDefaultInfinity: true, min: Math.fround(-1e30), max: Math.fround(1e30) };
}

test('NaN stays NaN, so that training notices', () => {
  for (const [name, format] of formats) {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
      assert.ok(!Number.isFinite(thereAndBack(format, Float32Array.of(1, value, 2))[1]), `${name}: ${value}`);
  }
});

test('all zeros stay zeros', () => {
  for (const [, format] of formats)
    assert.deepEqual(thereAndBack(format, new Float32Array(5)), new Float32Array(5));
});
