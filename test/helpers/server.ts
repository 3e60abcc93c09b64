/** The real `bat-sup serve`, and a network for it to serve. */
import { type ChildProcess, execFileSync } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs-core';
import { saveCheckpoint } from '../../src/checkpoints/index.ts';
import { createModel } from '../../src/models/model.ts';
import { finish, type Run, startCli } from './cli.ts';

export const classes = ['animal', 'food'];
const description = { architecture: 'article', width: 24, height: 24, channels: 3, classes } as const;

/**
 * Saves a checkpoint of a random network below `folder`. An engine must have been started.
 * @param accuracy validation accuracy in its manifest, which decides the best checkpoint.
 * @returns its path from `folder`, as the server reports it.
 */
export async function saveNetwork(folder: string, step: number, accuracy: number): Promise<string> {
  const model = createModel({ ...description, classes }, { seed: step });
  const tensors = (suffix: string, values: (variable: tf.Variable) => Float32Array) =>
    [...model.variables].map(([name, variable]) => ({
      name: name + suffix,
      shape: variable.shape,
      values: values(variable),
    }));
  const zeros = ({ size }: tf.Variable) => new Float32Array(size);
  const saved = await saveCheckpoint(
    join(folder, 'checkpoints', 'run-001'),
    {
      model: model.description,
      preprocessing: { fit: 'fill', scale: 1 / 255 },
      training: { seed: 1, batchSize: 4, learningRate: 1e-3, validationSplit: 0.2, dataset: '' },
      position: { step, epoch: step, batch: 0, lossSum: 0, correct: 0 },
      metrics: { loss: 1, accuracy, validationLoss: 1, validationAccuracy: accuracy },
    },
    {
      weights: tensors('', (variable) => variable.dataSync() as Float32Array),
      optimizer: [...tensors('/m', zeros), ...tensors('/v', zeros)],
    },
  );
  model.dispose();
  return saved.slice(folder.length + 1);
}

export interface TestServer {
  /** Ends in a slash. */
  url: string;
  port: number;
  process: ChildProcess;
  ended: Promise<Run>;
  /** What it has said on stderr so far. */
  said(): string;
}

/**
 * Starts the real command and waits until it prints its URL. Every request gets ten minutes, so that no test depends on
 * how busy the machine is.
 */
export function startServer(
  folder: string,
  flags: string[] = [],
  environment: Record<string, string> = {},
): Promise<TestServer> {
  const child = startCli(folder, ['serve', '--port', '0', '--timeout', '600', ...flags], environment);
  let soFar = '';
  return new Promise((resolve, reject) => {
    const ended = finish(child, (stderr) => {
      soFar = stderr;
      const url = /answers at (\S+)/.exec(stderr)?.[1];
      if (url) resolve({ url, port: Number(new URL(url).port), process: child, ended, said: () => soFar });
    });
    ended.then(({ stderr }) => reject(new Error(`it ended: ${stderr}`)));
  });
}

/**
 * Sends bytes as they are. @returns all that came back before the connection was closed.
 * @param thenShut whether the client closes its side of the connection after that.
 */
export function speak(port: number, text: string | Buffer, thenShut = false): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => {
      socket.write(text as string, 'latin1');
      if (thenShut) socket.end();
    });
    socket.on('end', () => socket.end());
    let answer = '';
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });
}

/** Damages a checkpoint in a way that only its checksum reveals. */
export function damage(file: string): void {
  execFileSync('truncate', ['--size=-4', file]);
  execFileSync('sh', ['-c', 'printf abcd >> "$0"', file]);
}
