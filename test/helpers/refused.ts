import assert from 'node:assert/strict';
import { UserError } from '../../src/errors.ts';

/** Asserts that a promise fails with a UserError whose message is one line that matches, or includes, all of these. */
export async function assertRefused(work: Promise<unknown>, ...expected: (RegExp | string)[]): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof UserError, (error as Error).stack);
    for (const one of expected) {
      if (typeof one !== 'string') assert.match(error.message, one);
      else assert.ok(error.message.includes(one), `"${one}" is not in: ${error.message}`);
    }
    assert.doesNotMatch(error.message, /\n/);
    return true;
  });
}
