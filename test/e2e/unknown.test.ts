/** train --unknown, and what predict says of pictures of no class. */
import assert from 'node:assert/strict';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { loadModel } from '../../src/predict/load_model.ts';
import { cli, finish, startCli } from '../helpers/cli.ts';
import { emoji, writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { runPython, withoutPackage } from '../helpers/python.ts';
import { startServer } from '../helpers/server.ts';
import { until } from '../helpers/until.ts';

const folder = temporaryFolder();
const size = ['--width', '24', '--height', '24'];
const run = (...args: string[]) => cli(folder, ...args);

before(async () => {
  await writeRawData(folder);
  const few = ['--epochs', '3', '--batch-size', '4', '--validation-split', '0.4', '--threads', '1'];
  const { code, stdout, stderr } = await run('train', ...size, ...few, '--unknown', '--json');
  assert.equal(code, 0, stderr);
  const { unknown } = JSON.parse(stdout);
  assert.match(
    stderr.replaceAll(/\s+/g, ' '),
    /validation pictures are few to choose from what is unknown; with 19 or more at most 5\.0 % of known ones/,
  );
  assert.ok(unknown.pictures >= 8 && unknown.rejected === 0, stdout);
  assert.equal(unknown.leftOut.classes, 2);
  for (const name of ['smiling-face', 'red-heart']) await emoji(name).toFile(join(folder, `${name}.png`));
});

const checkpointIn = (run: string) => {
  const name = readdirSync(run).find(
    (one) => one.startsWith('checkpoint-') && readdirSync(join(run, one)).includes('unknown.json'),
  );
  return join(run, name as string);
};

/** Makes everything unknown, or nothing: what is answered then depends on nothing that training rounds. */
function withFactors(factors: Record<string, number>): string {
  const copy = join(temporaryFolder(), 'checkpoint-00000001');
  cpSync(checkpointIn(join(folder, 'checkpoints', 'run-001')), copy, { recursive: true });
  const file = join(copy, 'unknown.json');
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...factors }));
  return copy;
}

test('predict says unknown, and how far the picture is from the known ones', async () => {
  const far = withFactors({ distanceFactor: 1e6, doubtFactor: 1e6 });
  const { stdout, stderr } = await run('predict', 'red-heart.png', '--checkpoint', far);
  assert.match(
    stdout,
    /^red-heart\.png {2}unknown \((animal|food) 0\.\d{4} {2}distance \d+\.\d\d\)$/m,
    stderr,
  );
  const answer = JSON.parse((await run('predict', 'red-heart.png', '--checkpoint', far, '--json')).stdout);
  assert.equal(answer.class, 'unknown');
  assert.ok(['animal', 'food'].includes(answer.likeliest));
  assert.ok(answer.distance > 1);
  const [head, row] = (await run('predict', 'red-heart.png', '--checkpoint', far, '--csv')).stdout.split(
    '\n',
  );
  assert.equal(head, 'file,class,probability,animal,food,distance,error');
  assert.match(row as string, /^red-heart\.png,unknown,/);
});

test('where it is near, predict says its class, and the distance in JSON alone', async () => {
  const near = withFactors({ distanceFactor: 0, doubtFactor: 1 });
  const { stdout } = await run('predict', 'red-heart.png', '--checkpoint', near);
  assert.match(stdout, /^red-heart\.png {2}(animal|food) 0\.\d{4}$/m);
  const answer = JSON.parse((await run('predict', 'red-heart.png', '--checkpoint', near, '--json')).stdout);
  assert.ok(Math.abs(answer.distance - (1 - answer.probability)) < 1e-6);
});

test('unknown pictures are sorted into a folder of their own', async () => {
  const far = withFactors({ distanceFactor: 1e6, doubtFactor: 1e6 });
  const { code, stderr } = await run('predict', 'red-heart.png', '--checkpoint', far, '--copy-to', 'sorted');
  assert.equal(code, 0, stderr);
  assert.deepEqual(readdirSync(join(folder, 'sorted')), ['unknown']);
  assert.match(stderr, /Copied to sorted: 1 unknown/);
});

test('a damaged unknown.json is one line', async () => {
  const damaged = withFactors({});
  writeFileSync(join(damaged, 'unknown.json'), '{}');
  const { code, stdout, stderr } = await run('predict', 'red-heart.png', '--checkpoint', damaged);
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(
    stderr,
    /unknown\.json is damaged \(.*\); delete it, then make a new one with "bat-sup train --resume --unknown"\.$/m,
  );
});

test('a finished run gets it with --resume --unknown, which trains nothing else', async () => {
  const other = temporaryFolder();
  cpSync(folder, other, { recursive: true });
  const checkpoint = checkpointIn(join(other, 'checkpoints', 'run-001'));
  const weights = readFileSync(join(checkpoint, 'weights.bin'));
  rmSync(join(checkpoint, 'unknown.json'));
  const { code, stdout, stderr } = await cli(other, 'train', '--resume', '--unknown', '0.2');
  assert.equal(code, 0, stderr);
  assert.match(
    stdout,
    /^Unknown: \d of \d+ validation pictures rejected; each class left out in turn: ROC-AUC 0\.\d{4}$/m,
  );
  assert.equal(JSON.parse(readFileSync(join(checkpoint, 'unknown.json'), 'utf8')).share, 0.2);
  assert.deepEqual(readFileSync(join(checkpoint, 'weights.bin')), weights);
  const again = await cli(other, 'train', '--resume');
  assert.match(again.stderr, /has trained all of its 3 epochs/);
});

test('the same training gives the same file on any number of threads', async () => {
  const files = [];
  for (const threads of ['1', '2']) {
    const other = temporaryFolder();
    await writeRawData(other);
    const few = ['--epochs', '1', '--batch-size', '4', '--threads', threads, '--unknown'];
    const { code, stderr } = await cli(other, 'train', ...size, ...few, '--engine', 'wasm');
    assert.equal(code, 0, stderr);
    const text = readFileSync(
      join(checkpointIn(join(other, 'checkpoints', 'run-001')), 'unknown.json'),
      'utf8',
    );
    files.push(JSON.stringify({ ...JSON.parse(text), saved: '' }));
  }
  assert.equal(files[0], files[1]);
});

const others = ['alarm-clock', 'automobile', 'key', 'guitar', 'airplane', 'crown', 'umbrella', 'rocket'];

test('evaluate --unknown gives the figures of scikit-learn', {
  skip: withoutPackage('sklearn'),
}, async () => {
  mkdirSync(join(folder, 'others', 'deep'), { recursive: true });
  for (const name of others) await emoji(name).toFile(join(folder, 'others', 'deep', `${name}.png`));
  const { code, stdout, stderr } = await run('evaluate', 'rawdata', '--unknown', 'others', '--json');
  assert.equal(code, 0, stderr);
  const ours = JSON.parse(stdout);
  assert.deepEqual([ours.known, ours.unknown], [24, others.length]);
  const answers = async (names: string) =>
    (await run('predict', names, '--json')).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  const [known, unknown] = [await answers('rawdata'), await answers('others')];
  const file = join(temporaryFolder(), 'task.json');
  const scores = (list: { distance: number; probability: number }[]) =>
    list.map(({ distance, probability }) => [distance, 1 - probability]);
  writeFileSync(file, JSON.stringify({ known: scores(known), unknown: scores(unknown) }));
  const theirs = runPython(new URL('../unknown/separation.py', import.meta.url), file);
  for (const name of ['distance', 'softmax'] as const) {
    assert.ok(
      Math.abs(ours[name].rocAuc - theirs[name].rocAuc) < 1e-9,
      `${name}: ${ours[name].rocAuc}, not ${theirs[name].rocAuc}`,
    );
    assert.ok(Math.abs(ours[name].unknownCaught - theirs[name].unknownCaught) < 1e-9, name);
  }
  assert.equal(ours.distance.knownRejected, known.filter((one) => one.class === 'unknown').length / 24);
  // The pictures that the limit was chosen on are judged as they were then.
  const { stdout: heldBack } = await run('evaluate', '--unknown', 'others', '--json');
  const { pictures, rejected } = JSON.parse(
    readFileSync(join(checkpointIn(join(folder, 'checkpoints', 'run-001')), 'unknown.json'), 'utf8'),
  );
  const { known: judged, distance } = JSON.parse(heldBack);
  assert.deepEqual([judged, distance.knownRejected * judged], [pictures, rejected]);
  const table = await run('evaluate', 'rawdata', '--unknown', 'others');
  assert.match(table.stdout, /^ +ROC-AUC {2}known rejected {2}unknown caught$/m);
});

for (const [args, says, code] of [
  [
    ['--unknown', 'nowhere'],
    /None of the unknown pictures can be read\. The first is nowhere: there is no such file\./,
    1,
  ],
  [['--unknown', 'others', '--csv'], /--unknown is an evaluation of its own; leave out --csv\./, 2],
  [
    ['--unknown', 'others', '--calibrate'],
    /--unknown is an evaluation of its own; leave out --calibrate\./,
    2,
  ],
] as const)
  test(`evaluate ${args.join(' ')} is refused in one line`, async () => {
    const refused = await run('evaluate', ...args);
    assert.equal(refused.code, code, refused.stderr);
    assert.match(refused.stderr, says);
  });

test('evaluate --unknown of a network that answers a class for all says how to change that', async () => {
  const copy = withFactors({});
  rmSync(join(copy, 'unknown.json'));
  const refused = await run('evaluate', 'rawdata', '--unknown', 'others', '--checkpoint', copy);
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /was trained without --unknown; add it with "bat-sup train --resume --unknown"\./,
  );
});

test('explain says that a picture is unknown, and the report shows what that costs', async () => {
  const far = withFactors({ distanceFactor: 1e6, doubtFactor: 1e6 });
  const explained = await run('explain', 'red-heart.png', '--no-occlusion', '--json', '--checkpoint', far);
  assert.equal(JSON.parse(explained.stdout).unknown, true, explained.stderr);
  const { code, stderr } = await run('report', '--output', 'report.html');
  assert.equal(code, 0, stderr);
  const page = readFileSync(join(folder, 'report.html'), 'utf8');
  assert.match(page, /<h2 id="unknown">Unknown pictures<\/h2>/);
  assert.match(page, /With each of 2 classes left out in turn/);
});

test('serve answers it over HTTP, and takes a rejection that is fitted meanwhile', async () => {
  const other = temporaryFolder();
  cpSync(join(folder, 'checkpoints'), join(other, 'checkpoints'), { recursive: true });
  const picture = readFileSync(join(folder, 'red-heart.png'));
  const server = await startServer(other, []);
  try {
    const ask = async () => {
      const headers = { 'content-type': 'image/png' };
      const response = await fetch(`${server.url}predict`, { method: 'POST', headers, body: picture });
      return (await response.json()).answers[0];
    };
    const predicted = JSON.parse((await run('predict', 'red-heart.png', '--json')).stdout);
    const { unknown, distance, classes } = await ask();
    assert.equal(unknown, predicted.class === 'unknown');
    assert.ok(Math.abs(distance - predicted.distance) < 1e-4);
    assert.ok(Math.abs(classes[0].probability - predicted.probability) < 1e-5);
    const file = join(checkpointIn(join(other, 'checkpoints', 'run-001')), 'unknown.json');
    const far = { ...JSON.parse(readFileSync(file, 'utf8')), distanceFactor: 1e6, doubtFactor: 1e6 };
    writeFileSync(`${file}.new`, JSON.stringify(far));
    renameSync(`${file}.new`, file);
    await until(async () => (await ask()).distance > 1000);
    assert.equal((await ask()).unknown, true);
  } finally {
    server.process.kill();
    await server.ended;
  }
});

test('a program reads it from the library', async () => {
  const far = withFactors({ distanceFactor: 1e6, doubtFactor: 1e6 });
  const model = await loadModel(far, { engine: 'wasm', threads: 1 });
  const answer = await model.predict(join(folder, 'red-heart.png'));
  assert.equal(answer.class, 'unknown');
  assert.ok((answer.distance ?? 0) > 1);
  for await (const one of model.predictAll([join(folder, 'red-heart.png')])) assert.deepEqual(one, answer);
  await model.dispose();
});

test('watched pictures that are unknown are moved apart', async () => {
  const far = withFactors({ distanceFactor: 1e6, doubtFactor: 1e6 });
  mkdirSync(join(folder, 'inbox'));
  const watching = startCli(folder, [
    'predict',
    '--watch',
    'inbox',
    '--move-to',
    'done',
    '--checkpoint',
    far,
  ]);
  const ended = finish(watching);
  copyFileSync(join(folder, 'red-heart.png'), join(folder, 'inbox', 'heart.png'));
  await until(() => existsSync(join(folder, 'done', 'unknown', 'heart.png')));
  watching.kill('SIGINT');
  assert.equal((await ended).code, 0);
});

test('exports of the network alone say so, and the page has what it needs', async () => {
  const onnx = await run('export', '--format', 'onnx');
  assert.equal(onnx.code, 0, onnx.stderr);
  assert.match(onnx.stderr, /onnx holds the network alone, which answers a class for every picture/);
  const web = await run('export', '--format', 'web');
  assert.equal(web.code, 0, web.stderr);
  assert.doesNotMatch(web.stderr, /holds the network alone/);
  const stored = JSON.parse(
    readFileSync(join(checkpointIn(join(folder, 'checkpoints', 'run-001')), 'unknown.json'), 'utf8'),
  );
  const { references, distanceFactor, doubtFactor } = stored;
  const page = JSON.parse(readFileSync(join(folder, 'web', 'unknown.json'), 'utf8'));
  assert.deepEqual(page, { distanceFactor, doubtFactor, references });
});

for (const [args, says, code] of [
  [['--unknown', '0.9'], /unknown must be a number from 0 to 0\.5; received "0\.9" \(--unknown\)/, 2],
  [
    ['--unknown', '--multi-label'],
    /unknown \(--unknown\) is for pictures of one class, and with multiLabel \(--multi-label\)/,
    2,
  ],
  [['--unknown', 'yes'], /unknown must be a number from 0 to 0\.5; received "yes" \(--unknown\)/, 2],
  [
    ['--unknown', '--validation-split', '0'],
    /--unknown needs validation pictures, and none are held back; raise --validation-split\./,
    1,
  ],
] as const)
  test(`train ${args.join(' ')} is refused in one line`, async () => {
    const other = temporaryFolder();
    await writeRawData(other);
    copyFileSync(join(folder, 'red-heart.png'), join(other, 'red-heart.png'));
    const refused = await cli(other, 'train', ...size, '--batch-size', '4', ...args);
    assert.equal(refused.code, code, refused.stderr);
    assert.match(refused.stderr, says);
  });
