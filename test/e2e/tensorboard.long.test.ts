/** The logs of real trainings in the real TensorBoard. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type BrowserContext, chromium as browser } from 'playwright-core';
import { chromium, withoutChromium } from '../helpers/chromium.ts';
import { cli, startCli } from '../helpers/cli.ts';
import { writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { hangs } from '../helpers/hangs.ts';
import { runPython, withoutPackage } from '../helpers/python.ts';
import { checkpointsOf } from '../helpers/runs.ts';
import { startTensorBoard, type TensorBoard, textOf } from '../helpers/tensorboard.ts';
import { until } from '../helpers/until.ts';

const readEvents = new URL('../tensorboard/read_events.py', import.meta.url);
const small = ['--width', '24', '--height', '24', '--batch-size', '8', '--seed', '3'];

const folder = temporaryFolder();
const profile = temporaryFolder();

before(async () => {
  await writeRawData(folder);
  await cli(folder, 'augment', '--target', '24', '--seed', '3');
});

describe('in a browser', { skip: withoutPackage('tensorboard') || withoutChromium() }, () => {
  let server: TensorBoard;
  let context: BrowserContext;

  before(async () => {
    for (const rate of ['0.001', '0.0003']) {
      const run = await cli(folder, 'train', '--epochs', '2', '--learning-rate', rate, ...small);
      assert.equal(run.code, 0, run.stderr);
    }
    const runs = ['run-001', 'run-002'].flatMap((run) => [run, `${run}/train`, `${run}/validation`]);
    server = await startTensorBoard(join(folder, 'checkpoints'), runs);
    const flags = ['--disable-background-networking', '--disable-component-update', '--disable-sync'];
    context = await browser.launchPersistentContext(profile, {
      executablePath: chromium,
      args: ['--no-sandbox', '--disable-gpu', '--no-first-run', ...flags],
      viewport: { width: 1500, height: 1000 },
      timeout: hangs,
    });
    context.setDefaultTimeout(hangs);
  });
  after(async () => {
    await context?.close();
    server?.stop();
  });

  const scopes = ['conv1', 'pool1', 'relu1', 'conv2', 'conv3', 'flatten', 'fc1', 'relu4', 'logits'];
  const dashboards: [what: string, place: string, says: (string | RegExp)[]][] = [
    [
      'training and validation in one chart',
      'timeseries',
      [
        /\naccuracy\n[\s\S]*run-001\/train\n[\s\S]*run-001\/validation\n[\s\S]*\nactivations\n/,
        'learning_rate',
      ],
    ],
    [
      'the network by its layers, with the dimensions between them',
      'graphs',
      [...scopes, 'loss', 'accuracy', 'adam', '?×24×24×3', '?×24×24×16', '?×12×12×16', '?×576', '?×1024'],
    ],
    [
      'histograms of gradients',
      'histograms&tagFilter=gradients',
      ['gradients/conv1/weights', 'gradients/conv3/biases'],
    ],
    ['distributions of weights', 'distributions&tagFilter=weights%2F', ['weights/conv1', 'weights/fc1']],
    ['histograms of activations', 'histograms&tagFilter=activations', ['activations/conv1']],
    ['samples, and the names of their files', 'images&tagFilter=%5Epictures', ['pictures/animal', /\.png/]],
    [
      'samples that augment has made',
      'images&tagFilter=augmented',
      ['augmented pictures/animal', /\.aug-0\d+\.jpg/],
    ],
    ['the first layer’s filters', 'images&tagFilter=filters', ['filters/conv1']],
    [
      'the confusion matrix as a text',
      'text&tagFilter=confusion',
      ['confusion_matrix/table', 'true \\ predicted'],
    ],
    ['the confusion matrix as an image', 'images&tagFilter=confusion', ['confusion_matrix']],
    [
      'pictures told wrong, and what they were taken for',
      'images&tagFilter=misclassified',
      [/misclassified\/(animal taken for food|food taken for animal)/],
    ],
    ['a precision-recall curve for each class', 'pr_curves', ['pr_curve/animal', 'pr_curve/food']],
    [
      'runs side by side',
      'hparams',
      ['run-001', 'run-002', 'learningRate', 'validation accuracy', /0\.00030/],
    ],
    ['settings as a text', 'text&tagFilter=config', ['learningRate', '0.0003', 'architecture', 'article']],
    ['classes as a text', 'text&tagFilter=classes', ['pictures to train on', 'animal', 'food']],
    ['the machine as a text', 'text&tagFilter=environment', ['Node.js', process.version]],
    ['the last layer’s features as points', 'projector', ['Points:', /x1024/, 'relu4', 'predicted']],
  ];

  for (const [what, place, expected] of dashboards) {
    test(`shows ${what}`, async () => {
      const page = await context.newPage();
      const problems: string[] = [];
      page.on('response', (answer) => {
        if (answer.status() >= 400) problems.push(`${answer.status()} ${answer.url()}`);
      });
      await page.goto(`${server.url}/#${place}`);
      let text = '';
      const isThere = (one: string | RegExp) =>
        typeof one === 'string' ? text.split('\n').includes(one) : one.test(text);
      await until(async () => {
        text = await textOf(page).catch(() => '');
        return expected.every(isThere);
      }).catch(() =>
        assert.fail(`"${expected.filter((one) => !isThere(one)).join('", "')}" not in: ${text}`),
      );
      assert.deepEqual(problems, []);
      await page.close();
    });
  }
});

test('augmented pictures are shown as the network saw them', {
  skip: withoutPackage('tensorboard'),
}, async () => {
  const flags = ['--run', 'varied', '--epochs', '2', '--augment', 'online'];
  const { code, stdout, stderr } = await cli(folder, 'train', '--json', ...flags, ...small);
  assert.equal(code, 0, stderr);
  const { images } = runPython(readEvents, join(folder, 'checkpoints', 'varied')).train;
  const shown = ['animal', 'food'].flatMap((name) => images[`augmented pictures/${name}`]);
  // Those of augment before the first step, and of the last step of both epochs.
  const { steps } = JSON.parse(stdout);
  const at = [...new Set(shown.map(([step]: [number]) => step))].sort((a, b) => a - b);
  assert.deepEqual(at, [0, steps / 2, steps]);
});

test('the first and the last epoch have every kind of detail', {
  skip: withoutPackage('tensorboard'),
}, async () => {
  const epochs = 5;
  const flags = ['--run', 'detailed', '--epochs', String(epochs)];
  const { code, stdout, stderr } = await cli(folder, 'train', '--json', ...flags, ...small);
  assert.equal(code, 0, stderr);
  const { train, validation } = runPython(readEvents, join(folder, 'checkpoints', 'detailed'));
  const { steps } = JSON.parse(stdout);
  const kinds: Record<string, [number, unknown][]> = {
    ...train.histograms,
    'filters/conv1': train.images['filters/conv1'],
    ...validation.pr_curves,
    confusion_matrix: validation.images.confusion_matrix,
    'confusion_matrix/table': validation.text['confusion_matrix/table'],
    misclassified: validation.text.misclassified,
  };
  for (const part of ['activations/relu4', 'gradients/conv1/weights', 'weights/fc1', 'pr_curve/food'])
    assert.ok(part in kinds, part);
  for (const [tag, values] of Object.entries(kinds)) {
    const at = values.map(([step]) => step);
    assert.deepEqual([at[0], at.at(-1)], [steps / epochs, steps], tag);
  }
});

test('a training that is killed repeatedly leaves logs without gaps', {
  skip: withoutPackage('tensorboard'),
}, async () => {
  const args = ['train', '--run', 'killed', '--epochs', '8', '--save-every-steps', '2', ...small];
  const run = join(folder, 'checkpoints', 'killed');
  const newestStep = () => Number(checkpointsOf(run).at(-1)?.slice(11) ?? 0);
  let last = 0;
  for (const [attempt, delay] of [30, 220, 90, 400].entries()) {
    const child = startCli(folder, attempt === 0 ? args : [...args, '--resume']);
    const ended = new Promise((resolve) => child.on('close', resolve));
    await until(() => newestStep() > last);
    await new Promise((resolve) => setTimeout(resolve, delay));
    child.kill('SIGKILL');
    await ended;
    last = newestStep();
    const steps = stepsOf(run);
    assert.ok(steps.length >= last, `${steps.length} steps are logged, ${last} saved`);
    assert.deepEqual(
      steps,
      steps.map((_, index) => index + 1),
    );
  }
  const { code, stdout, stderr } = await cli(folder, ...args, '--resume', '--json');
  assert.equal(code, 0, stderr);
  const steps = stepsOf(run);
  assert.deepEqual(
    steps,
    steps.map((_, index) => index + 1),
  );
  assert.equal(steps.length, JSON.parse(stdout).steps);
  const { hparams } = runPython(readEvents, run)['.'];
  assert.equal(hparams['_hparams_/session_end_info'].sessionEndInfo.status, 'STATUS_SUCCESS');
});

function stepsOf(run: string): number[] {
  const { train } = runPython(readEvents, run);
  return train.scalars.loss.map(([step]: number[]) => step);
}
