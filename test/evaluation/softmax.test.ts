import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { argmax, crossEntropy, softmax } from '../../src/evaluation/softmax.ts';

test('softmax and cross-entropy by hand', () => {
  const logits = [Math.log(1), Math.log(2), Math.log(5)];
  assert.deepEqual(
    [...softmax(logits)].map((value) => value.toFixed(12)),
    [0.125, 0.25, 0.625].map((value) => value.toFixed(12)),
  );
  assert.ok(Math.abs(crossEntropy(logits, 1) - Math.log(4)) < 1e-12);
  // A temperature of 1/2 squares the odds: 1 to 4 to 25.
  assert.ok(Math.abs((softmax(logits, 0.5)[2] as number) - 25 / 30) < 1e-12);
});

test('the loss stays finite where the probability rounds to 0', () => {
  assert.equal(softmax([0, 2000])[0], 0);
  assert.equal(crossEntropy([0, 2000], 0), 2000);
  assert.equal(crossEntropy([0, 2000], 1), 0);
});

test('probabilities sum to 1, keep the order, and give the loss', () => {
  const logit = fc.double({ min: -50, max: 50, noNaN: true });
  const logits = fc.array(logit, { minLength: 2, maxLength: 12 });
  const temperature = fc.double({ min: 0.1, max: 10, noNaN: true });
  fc.assert(
    fc.property(logits, temperature, (values, t) => {
      const probabilities = softmax(values, t);
      assert.ok(Math.abs(probabilities.reduce((a, b) => a + b) - 1) < 1e-12);
      assert.equal(probabilities[argmax(values)], Math.max(...probabilities));
      for (const [label, probability] of probabilities.entries())
        if (probability > 1e-200)
          assert.ok(Math.abs(crossEntropy(values, label, t) + Math.log(probability)) < 1e-9);
    }),
  );
});

test('argmax takes the first of equal values', () => {
  assert.equal(argmax([1, 3, 3]), 1);
  assert.equal(argmax([-1, -1]), 0);
});
