import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { expectedCalibrationError, reliability } from '../../src/evaluation/reliability.ts';

test('the calibration error by hand', () => {
  // In the last bin the confidence is 0.95 and half is correct; in the bin of 0.55 both are equal.
  const confidences = [0.95, 0.95, ...Array(20).fill(0.55)];
  const bins = reliability(
    Float64Array.from(confidences),
    (picture) => picture === 0 || (picture > 1 && picture < 13),
  );
  assert.equal(bins.length, 15);
  assert.equal(bins[14]?.pictures, 2);
  assert.equal(bins[14]?.accuracy, 0.5);
  assert.equal(bins[8]?.pictures, 20);
  assert.equal(bins[8]?.accuracy, 0.55);
  assert.ok(Math.abs(expectedCalibrationError(bins) - (2 * 0.45) / 22) < 1e-12);
});

test('every picture is in one bin, within its bounds; empty bins have no metrics', () => {
  const confidence = fc.double({ min: 1e-9, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.array(confidence, { minLength: 1, maxLength: 50 }), (list) => {
      const bins = reliability(Float64Array.from(list), (picture) => picture % 2 === 0);
      assert.equal(
        bins.reduce((sum, { pictures }) => sum + pictures, 0),
        list.length,
      );
      for (const bin of bins) {
        assert.equal(bin.confidence === null, bin.pictures === 0);
        if (bin.confidence === null) continue;
        assert.ok(bin.confidence >= bin.from - 1e-9 && bin.confidence <= bin.to + 1e-9);
      }
      const error = expectedCalibrationError(bins);
      assert.ok(error >= 0 && error <= 1);
    }),
  );
});

test('a confidence outside 0 to 1 is an error', () => {
  assert.throws(() => reliability(Float64Array.of(1.5), () => true), /A probability is 1\.5/);
  assert.throws(() => reliability(Float64Array.of(Number.NaN), () => true), /A probability is NaN/);
});
