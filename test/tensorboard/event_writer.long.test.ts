import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { UserError } from '../../src/errors.ts';
import { createModel, type Model } from '../../src/models/model.ts';
import { networkGraph } from '../../src/tensorboard/graph.ts';
import { openEventWriter, scalarSummary } from '../../src/tensorboard/index.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { runPython, withoutPackage } from '../helpers/python.ts';
import { jsonAt, startTensorBoard, type TensorBoard } from '../helpers/tensorboard.ts';
import { until } from '../helpers/until.ts';

const readEvents = new URL('./read_events.py', import.meta.url);
const description = { architecture: 'article' as const, width: 100, height: 100, channels: 3 as const };
let model: Model;
before(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
  model = createModel({ ...description, classes: ['bat', 'sup'] });
});

async function writeRun(folder: string): Promise<string> {
  const writer = await openEventWriter(folder);
  writer.graph(networkGraph(model.layers, description));
  for (let step = 1; step <= 5; step++)
    writer.summary(step, scalarSummary({ loss: 1 / step, accuracy: step / 10 }));
  await writer.close();
  return writer.file;
}

const options = { skip: withoutPackage('tensorboard') };

test('TensorBoard reads the scalars of two runs', options, async () => {
  const folder = temporaryFolder();
  await writeRun(join(folder, 'run-001', 'train'));
  await writeRun(join(folder, 'run-001', 'validation'));
  const runs = runPython(readEvents, folder);
  assert.deepEqual(Object.keys(runs).sort(), ['run-001/train', 'run-001/validation']);
  const { scalars } = runs['run-001/train'];
  assert.deepEqual(Object.keys(scalars).sort(), ['accuracy', 'loss']);
  assert.deepEqual(
    scalars.loss,
    [1, 2, 3, 4, 5].map((step) => [step, Math.fround(1 / step)]),
  );
});

test('TensorBoard reads the network’s graph with its dimensions', options, async () => {
  const folder = temporaryFolder();
  await writeRun(folder);
  const { nodes } = runPython(readEvents, folder)['.'];
  const expected: [node: string, op: string, shape: number[]][] = [
    ['pictures', 'Placeholder', [-1, 100, 100, 3]],
    ['conv1/weights', 'VariableV2', [5, 5, 3, 16]],
    ['conv1/Conv2D', 'Conv2D', [-1, 100, 100, 16]],
    ['pool1/MaxPool', 'MaxPool', [-1, 50, 50, 16]],
    ['relu2/Relu', 'Relu', [-1, 25, 25, 32]],
    ['flatten/Reshape', 'Reshape', [-1, 10816]],
    ['fc1/MatMul', 'MatMul', [-1, 1024]],
    ['logits/add', 'Add', [-1, 2]],
    ['loss/Mean', 'Mean', []],
  ];
  for (const [name, op, shape] of expected) {
    assert.equal(nodes[name]?.op, op, name);
    assert.deepEqual(nodes[name]?.shape, shape, name);
  }
  for (const { inputs } of Object.values(nodes) as { inputs: string[] }[]) {
    for (const input of inputs) assert.ok(nodes[input], `${input} is not in the graph`);
  }
});

test('a file cut off anywhere is read up to its last whole event', options, async () => {
  const folder = temporaryFolder();
  const file = await writeRun(folder);
  const whole = readFileSync(file);
  for (const share of [0.1, 0.97, 0.99]) {
    writeFileSync(file, whole.subarray(0, Math.floor(whole.length * share)));
    const run = runPython(readEvents, folder)['.'];
    const losses = run?.scalars.loss ?? [];
    assert.ok(losses.length < 5);
    for (const [index, [step]] of losses.entries()) assert.equal(step, index + 1);
  }
});

test('after resuming, the newer file replaces the later events of the older one', options, async () => {
  const folder = temporaryFolder();
  await writeRun(folder);
  const resumed = await openEventWriter(folder, 4);
  resumed.summary(4, scalarSummary({ loss: 40 }));
  resumed.summary(5, scalarSummary({ loss: 50 }));
  await resumed.close();
  const { scalars } = runPython(readEvents, folder)['.'];
  const steps = scalars.loss.map(([step, value]: [number, number]) => [step, value >= 40]);
  assert.deepEqual(steps, [
    [1, false],
    [2, false],
    [3, false],
    [4, true],
    [5, true],
  ]);
});

test(
  'a file that a kill has torn does not keep the resumed run’s file from being read',
  options,
  async () => {
    const folder = temporaryFolder();
    const file = await writeRun(folder);
    const whole = readFileSync(file);
    writeFileSync(file, whole.subarray(0, whole.length - 5));
    const resumed = await openEventWriter(folder, 5);
    resumed.summary(5, scalarSummary({ loss: 50 }));
    await resumed.close();
    const { scalars } = runPython(readEvents, folder)['.'];
    assert.deepEqual(
      scalars.loss.map(([step]: number[]) => step),
      [1, 2, 3, 4, 5],
    );
  },
);

test('an error about an unwritable log names the file', async () => {
  const folder = join(temporaryFolder(), 'logs');
  mkdirSync(folder);
  rmSync(folder, { recursive: true });
  writeFileSync(folder, 'a file where the folder should be');
  await assert.rejects(
    openEventWriter(folder),
    (error) => error instanceof UserError && error.message.includes(folder),
  );
});

async function getJson(url: string, isThere: (answer: Record<string, unknown>) => boolean) {
  return until(async () => {
    const answer = await jsonAt(url);
    return answer !== false && isThere(answer) && answer;
  });
}

let server: TensorBoard | undefined;
after(() => server?.stop());

test('tensorboard --logdir shows a training while it runs', options, async () => {
  const folder = temporaryFolder();
  const writer = await openEventWriter(join(folder, 'run-001', 'train'));
  writer.graph(networkGraph(model.layers, description));
  writer.summary(1, scalarSummary({ loss: 3 }));
  await writer.flush();
  server = await startTensorBoard(folder, ['run-001/train']);
  const plugin = `${server.url}/data/plugin`;
  const run = 'run=run-001%2Ftrain';

  await getJson(`${plugin}/scalars/tags`, (tags) => 'run-001/train' in tags);
  const graph = await fetch(`${plugin}/graphs/graph?${run}`).then((answer) => answer.text());
  assert.match(graph, /name: "conv1\/Conv2D"/);

  writer.summary(2, scalarSummary({ loss: 2 }));
  await writer.flush();
  const points = await getJson(
    `${plugin}/scalars/scalars?${run}&tag=loss`,
    (answer) => (answer as unknown as unknown[]).length === 2,
  );
  assert.deepEqual(
    points.map(([, step, value]: number[]) => [step, value]),
    [
      [1, 3],
      [2, 2],
    ],
  );
  await writer.close();
});
