import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Answers, logitsOf } from '../../src/evaluation/answers.ts';
import { crossEntropy } from '../../src/evaluation/softmax.ts';
import { fitTemperature } from '../../src/evaluation/temperature.ts';
import { answersOf, randomAnswers } from './answers.ts';

function lossAt(answers: Answers, temperature: number): number {
  return answers.labels.reduce(
    (sum, label, picture) => sum + crossEntropy(logitsOf(answers, picture), label, temperature),
    0,
  );
}

test('the temperature by hand', () => {
  // Three of four are correct: odds of 3 to 1, so the logit 2 should be ln 3.
  const answers = answersOf(Array(4).fill([2, 0]), [0, 0, 0, 1]);
  assert.ok(Math.abs((fitTemperature(answers) ?? 0) - 2 / Math.log(3)) < 1e-9);
});

test('no temperature near it has a lower loss', () => {
  for (const seed of ['a', 'b', 'c', 'd']) {
    const answers = randomAnswers(200, 4, seed);
    const temperature = fitTemperature(answers) as number;
    const least = lossAt(answers, temperature);
    for (const factor of [0.5, 0.9, 0.999, 1.001, 1.1, 2])
      assert.ok(lossAt(answers, temperature * factor) > least, `${seed}: ${factor}`);
  }
});

test('scaling the logits scales the temperature', () => {
  const answers = randomAnswers(150, 3, 'scaled');
  const temperature = fitTemperature(answers) as number;
  fc.assert(
    fc.property(fc.constantFrom(0.25, 0.5, 2, 4), (factor) => {
      const scaled = { ...answers, logits: answers.logits.map((logit) => logit * factor) };
      assert.ok(Math.abs((fitTemperature(scaled) ?? 0) / temperature - factor) < 1e-6);
    }),
  );
});

test('undefined where the pictures do not determine it', () => {
  const allRight = answersOf(
    [
      [2, 0],
      [0, 1],
    ],
    [0, 1],
  );
  const allWrong = answersOf(
    [
      [2, 0],
      [0, 1],
    ],
    [1, 0],
  );
  const same = answersOf(
    [
      [1, 1],
      [1, 1],
    ],
    [0, 1],
  );
  for (const answers of [allRight, allWrong, same]) assert.equal(fitTemperature(answers), undefined);
});
