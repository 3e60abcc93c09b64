import { fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Installation } from '../engine/native/installation.ts';
import { UserError } from '../errors.ts';

interface TestResult {
  /** TensorFlow's version. */
  version: string;
  /** Whether it finds a GPU. */
  gpu: boolean;
}

/**
 * Computes gradients with an installation in a process of its own, and compares them with values computed by hand.
 * @throws {UserError} where the library does not load or computes something else.
 */
export async function smokeTest(installation: Installation): Promise<TestResult> {
  const script = new URL(`./smoke_test_process${extname(import.meta.url)}`, import.meta.url);
  const child = fork(fileURLToPath(script), [JSON.stringify(installation)], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let messages = '';
  child.stderr?.on('data', (data) => {
    messages += data;
  });
  const answer = await new Promise<TestResult | { failure: string }>((resolve) => {
    child.on('message', (message) => resolve(message as TestResult | { failure: string }));
    child.on('exit', (code, signal) =>
      resolve({ failure: `it ended with ${signal ?? `exit code ${code}`}` }),
    );
  });
  child.kill();
  if (!('failure' in answer)) return answer;
  if (process.argv.includes('--verbose')) console.error(messages);
  throw new UserError(
    `The native engine fails its test: ${answer.failure.replace(/\.$/, '')}. The previous one stays in use; --verbose shows more.`,
  );
}
