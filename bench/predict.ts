/**
 * Time and memory of predicting with one checkpoint: bat-sup, Keras, PyTorch and ONNX Runtime, as whole processes.
 *
 * npm run bench -- predict [--pictures 2000] [--rounds 5] [--many 10000] [--pytorch-python python]
 *   [--keras-python python] [--onnxruntime-python python] [--json]
 *
 * One picture: each loads the checkpoint as bat-sup exports it. A folder of JPEGs of 640 x 480: bat-sup against a
 * PyTorch DataLoader with a worker per core. Rounds alternate. Memory: bat-sup's peak with --many pictures, and with a
 * tenth of them. CPU seconds are of all threads and child processes together: on a busy machine they tell more than the clock.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bin } from '../test/helpers/bin.ts';
import { temporaryFolder } from '../test/helpers/folder.ts';
import { pythonScript, pythonWith } from './against/python.ts';
import { saveArticleRun } from './inputs/article_run.ts';
import { photographs } from './inputs/photographs.ts';
import { type Command, timeCommand } from './measure/command.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { alternate } from './measure/rounds.ts';
import { median, round } from './measure/statistics.ts';

const options = readOptions({
  pictures: 2000,
  many: 10_000,
  rounds: 5,
  'pytorch-python': '',
  'keras-python': '',
  'onnxruntime-python': '',
});
// With it Node 20 reads all certificates as it starts, for 45 ms; nothing here needs a network.
delete process.env.NODE_EXTRA_CA_CERTS;
const folder = temporaryFolder();
const pictures = await photographs(options.pictures, 640, 480);
const files = readdirSync(pictures)
  .sort()
  .map((name) => join(pictures, name));
const [picture] = files as [string];

type Packages = 'pytorch' | 'keras' | 'onnxruntime';
const pythonOf = (packages: Packages) => pythonWith(packages, options[`${packages}-python`]);

/** A checkpoint, and what the others load of it. */
async function makeModels(): Promise<void> {
  await saveArticleRun(folder, ['animals', 'food']);
  for (const format of ['keras', 'onnx', 'safetensors'])
    execFileSync(process.execPath, [bin, 'export', '--format', format], { cwd: folder, stdio: 'ignore' });
  const [python = '', ...args] = pythonScript(
    pythonOf('pytorch'),
    'state_dict.py',
    'model.safetensors',
    'model.pt',
  );
  execFileSync(python, args, { cwd: folder });
}

interface Answer {
  class: string;
  probability: number;
}

const ours = (name: string, ...args: string[]): Command => ({
  name: `bat-sup predict${name}`,
  command: [process.execPath, bin, 'predict', '--json', ...args],
});
const theirs = (name: string, packages: Packages, ...args: string[]): Command => ({
  name,
  command: pythonScript(pythonOf(packages), `predict_${packages}.py`, ...args),
});

/** The median and the shortest time of each command, and its answers. */
async function compare(commands: Command[]) {
  const results = await alternate(commands, options.rounds, (one) => timeCommand(one, folder));
  return [...results].map(([{ name }, rounds]) => {
    const lines = (rounds.at(-1)?.stdout ?? '').trim().split('\n');
    const seconds = rounds.map((one) => one.seconds);
    const answers: Answer[] = lines.map((line) => JSON.parse(line));
    const cpuSeconds = median(rounds.map((one) => one.cpuSeconds));
    return { name, seconds: median(seconds), min: Math.min(...seconds), cpuSeconds, answers };
  });
}

async function onePicture() {
  const measured = await compare([
    ours('', picture),
    theirs('Keras', 'keras', 'model.keras', picture),
    theirs('PyTorch', 'pytorch', 'model.pt', picture),
    theirs('ONNX Runtime', 'onnxruntime', 'model.onnx', picture),
  ]);
  return measured.map(({ name, seconds, min, cpuSeconds, answers }) => ({
    name,
    seconds: round(seconds, 2),
    min: round(min, 2),
    'CPU s': round(cpuSeconds, 2),
    'x ours': round(seconds / (measured[0]?.seconds ?? 0), 1),
    answer: `${answers[0]?.class} ${answers[0]?.probability.toFixed(3)}`,
  }));
}

async function manyPictures() {
  const measured = await compare([
    ours(', native', pictures, '--engine', 'native'),
    ours(', wasm', pictures, '--engine', 'wasm'),
    theirs('PyTorch DataLoader', 'pytorch', 'model.pt', pictures),
  ]);
  const rival = measured.at(-1);
  return measured.map(({ name, seconds, min, cpuSeconds, answers }) => ({
    name,
    seconds: round(seconds, 1),
    min: round(min, 1),
    'CPU s': round(cpuSeconds, 1),
    'img/s': Math.round(files.length / seconds),
    'x PyTorch': round((rival?.seconds ?? 0) / seconds, 2),
    'x PyTorch by CPU': round((rival?.cpuSeconds ?? 0) / cpuSeconds, 2),
    'same class': answers.filter((one, index) => one.class === rival?.answers[index]?.class).length,
  }));
}

/** A module that prints its process's peak memory in KiB at the end. */
const watcher =
  "data:text/javascript,process.on('exit', () => console.error(process.resourceUsage().maxRSS))";

function peakMemory(engine: string, count: number) {
  const list = Array.from({ length: count }, (_, index) => files[index % files.length]).join('\n');
  writeFileSync(join(folder, 'list.txt'), list);
  const flags = ['--csv', '--files-from', 'list.txt', '--engine', engine];
  const { stderr } = spawnSync(process.execPath, ['--import', watcher, bin, 'predict', ...flags], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return { engine, pictures: count, 'peak MiB': Math.round(Number(stderr.trim().split('\n').at(-1)) / 1024) };
}

await makeModels();
report('predict', options, {
  pictures: options.pictures,
  onePicture: await onePicture(),
  manyPictures: await manyPictures(),
  memory: ['native', 'wasm'].flatMap((engine) =>
    [options.many / 10, options.many].map((count) => peakMemory(engine, count)),
  ),
});
