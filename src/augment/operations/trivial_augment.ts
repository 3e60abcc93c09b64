import { operation } from '../operation.ts';
import { integer } from '../parameters.ts';
import { policyOperations } from '../policy.ts';
import { oneOf } from '../random.ts';

const maxMagnitude = 30;

/** The paper's "wide" augmentation space. */
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
  summary: 'TrivialAugment: applies one of fourteen operations with a random strength',
  probability: 1,
  parameters: {
    maxStrength: integer(0, maxMagnitude, maxMagnitude, 'largest strength'),
  },
  sample(random, { maxStrength }, size) {
    const strength = Math.floor(random() * (maxStrength + 1)) / maxMagnitude;
    return oneOf(random, operations)(random, strength, size);
  },
});
