import { UserError } from '../errors.ts';

/** What logistic regression computes with, in float64, is at most 4 GiB. */
const maxFeatures = 2 ** 29;

/**
 * Room for the features of pictures, float32 [pictures, length], zeros.
 * @throws {UserError} where they are too many, as those of maps that are flattened at once.
 */
export function featureRows(pictures: number, length: number): Float32Array {
  const size = pictures * length;
  if (size <= maxFeatures) return new Float32Array(size);
  const count = (value: number) => value.toLocaleString('en');
  throw new UserError(
    `The network has ${count(length)} features for each of ${count(pictures)} pictures, more than the ${count(maxFeatures)} in all that bat-sup can use; ` +
      'take a network that ends in a global average, smaller pictures, or fewer of them.',
  );
}
