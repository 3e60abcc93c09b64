import { fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Installation } from '../engine/native/installation.ts';
import { UserError } from '../errors.ts';

interface Tested {
  version: string;
  gpu: boolean;
}

/**
 * Computes gradients with an installation and compares them with values known by hand.
 * @returns TensorFlow's own version, and whether it finds a GPU.
 * @throws {UserError} where the library does not load or computes something else.
 */
export async function smokeTest(installation: Installation): Promise<Tested> {
  const script = new URL(`./smoke_test_process${extname(import.meta.url)}`, import.meta.url);
  const child = fork(fileURLToPath(script), [JSON.stringify(installation)], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let messages = '';
  child.stderr?.on('data', (data) => {
    messages += data;
  });
  const answer = await new Promise<Tested | { failure: string }>((resolve) => {
    child.on('message', (message) => resolve(message as Tested | { failure: string }));
    child.on('exit', (code, signal) =>
      resolve({ failure: `it ended with ${signal ?? `exit code ${code}`}` }),
    );
  });
  child.kill();
  if (!('failure' in answer)) return answer;
  if (process.argv.includes('--verbose')) console.error(messages);
  throw new UserError(
    `The native engine does not pass its test: ${answer.failure.replace(/\.$/, '')}. What was in use before stays; --verbose tells more.`,
  );
}
