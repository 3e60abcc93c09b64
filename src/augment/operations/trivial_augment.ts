import { oneOf, operation } from '../operation.ts';
import { integer } from '../parameters.ts';
import { policyOperations } from '../policy.ts';

const strongest = 30;

/** Of the "wide" space. */
const operations = policyOperations({
  shear: 0.99,
  translate: () => 32,
  degrees: 135,
  factor: 0.99,
  bits: 6,
});

/** Müller and Hutter 2021, "TrivialAugment: Tuning-free Yet State-of-the-Art Data Augmentation". */
export const trivialAugment = operation({
  name: 'trivialAugment',
  summary: 'one of fourteen operations, with any strength',
  probability: 1,
  parameters: {
    maxStrength: integer(0, strongest, strongest, 'the most of it'),
  },
  sample(random, { maxStrength }, size) {
    const strength = Math.floor(random() * (maxStrength + 1)) / strongest;
    return oneOf(random, operations)(random, strength, size);
  },
});
