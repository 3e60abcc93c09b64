import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../../src/errors.ts';
import { featureRows } from '../../src/transfer/feature_rows.ts';

test('more features than memory holds are refused in one line', () => {
  assert.equal(featureRows(3, 4).length, 12);
  const refused = (error: Error) => {
    assert.ok(error instanceof UserError && !error.message.includes('\n'));
    return /3,211,264 features for each of 1,216 pictures/.test(error.message);
  };
  // 224 x 224 x 64, flattened.
  assert.throws(() => featureRows(1216, 224 * 224 * 64), refused);
});
