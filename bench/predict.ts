/**
 * Answers of one checkpoint, each as its users would ask for them; whole processes, rounds that alternate:
 * npm run bench -- predict [--pictures 2000] [--rounds 5] [--many 10000] [--json]
 * One picture: bat-sup against Keras, PyTorch and ONNX Runtime, with the checkpoint as bat-sup exports it.
 * A folder of JPEGs of 640 x 480: bat-sup against a PyTorch DataLoader with a worker for each core.
 * Memory: bat-sup with --many pictures, against a tenth of them.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { pythonWith } from './against/python.ts';
import { saveArticleRun } from './inputs/article_run.ts';
import { photographs } from './inputs/photographs.ts';
import { median } from './measure/median.ts';

const { values: options } = parseArgs({
  options: {
    pictures: { type: 'string', default: '2000' },
    many: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});
// Where a company's network sets it, Node 20 reads all certificates as it starts, 45 ms; nobody here speaks to a network.
delete process.env.NODE_EXTRA_CA_CERTS;
const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const batSup = file('../dist/bin/bat-sup.js');
const folder = mkdtempSync(join(tmpdir(), 'bat-sup-bench-predict-'));
const pictures = await photographs(Number(options.pictures), 640, 480);
const names = readdirSync(pictures)
  .sort()
  .map((name) => join(pictures, name));
const [picture] = names as [string];

/** What is asked, and what others load of it. */
async function makeModels(): Promise<void> {
  await saveArticleRun(folder, ['animals', 'food']);
  for (const format of ['keras', 'onnx', 'safetensors'])
    execFileSync(process.execPath, [batSup, 'export', '--format', format], { cwd: folder, stdio: 'ignore' });
  const convert = [file('./against/state_dict.py'), 'model.safetensors', 'model.pt'];
  execFileSync(pythonWith(undefined, 'pytorch'), convert, { cwd: folder });
}

interface Contestant {
  name: string;
  command: string[];
}

interface Answer {
  file: string;
  class: string;
  probability: number;
}

const ours = (name: string, ...args: string[]): Contestant => ({
  name: `bat-sup predict${name}`,
  command: [process.execPath, batSup, 'predict', '--json', ...args],
});
const theirs = (
  name: string,
  packages: 'pytorch' | 'keras' | 'onnxruntime',
  ...args: string[]
): Contestant => ({
  name,
  command: [pythonWith(undefined, packages), file(`./against/predict_${packages}.py`), ...args],
});

function run({ name, command }: Contestant): { seconds: number; answers: Answer[] } {
  const [program, ...args] = command as [string, ...string[]];
  const before = performance.now();
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  const seconds = (performance.now() - before) / 1000;
  if (status !== 0) throw new Error(`${name} failed: ${stderr.trim().split('\n').at(-1)}`);
  return {
    seconds,
    answers: stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  };
}

/** @returns seconds of each round, and the last answers. */
function compare(contestants: Contestant[], rounds: number) {
  const results = contestants.map(() => [] as ReturnType<typeof run>[]);
  // The first round warms up.
  for (let round = 0; round <= rounds; round++) {
    for (const [index, one] of contestants.entries()) {
      const result = run(one);
      if (round > 0) results[index]?.push(result);
    }
  }
  return contestants.map(({ name }, index) => {
    const seconds = (results[index] ?? []).map((result) => result.seconds);
    return {
      name,
      seconds: median(seconds),
      least: Math.min(...seconds),
      answers: results[index]?.at(-1)?.answers ?? [],
    };
  });
}

function onePicture() {
  const measured = compare(
    [
      ours('', picture),
      theirs('Keras', 'keras', 'model.keras', picture),
      theirs('PyTorch', 'pytorch', 'model.pt', picture),
      theirs('ONNX Runtime', 'onnxruntime', 'model.onnx', picture),
    ],
    Number(options.rounds),
  );
  return measured.map(({ name, seconds, least, answers }) => ({
    name,
    seconds: Number(seconds.toFixed(2)),
    least: Number(least.toFixed(2)),
    'x ours': Number((seconds / (measured[0]?.seconds ?? 0)).toFixed(1)),
    answer: `${answers[0]?.class} ${answers[0]?.probability.toFixed(3)}`,
  }));
}

function manyPictures() {
  const measured = compare(
    [
      ours(', native', pictures, '--engine', 'native'),
      ours(', wasm', pictures, '--engine', 'wasm'),
      theirs('PyTorch DataLoader', 'pytorch', 'model.pt', pictures),
    ],
    Number(options.rounds),
  );
  const rival = measured.at(-1);
  return measured.map(({ name, seconds, least, answers }) => ({
    name,
    seconds: Number(seconds.toFixed(1)),
    least: Number(least.toFixed(1)),
    'img/s': Math.round(names.length / seconds),
    'x PyTorch': Number(((rival?.seconds ?? 0) / seconds).toFixed(2)),
    'same class': answers.filter((one, index) => one.class === rival?.answers[index]?.class).length,
  }));
}

/** Prints the peak memory of a process of Node's as it ends, KiB. */
const watcher =
  "data:text/javascript,process.on('exit', () => console.error(process.resourceUsage().maxRSS))";

function memory(engine: string) {
  const many = Number(options.many);
  return [many / 10, many].map((count) => {
    const list = Array.from({ length: count }, (_, index) => names[index % names.length]).join('\n');
    writeFileSync(join(folder, 'list.txt'), list);
    const args = [
      '--import',
      watcher,
      batSup,
      'predict',
      '--csv',
      '--files-from',
      'list.txt',
      '--engine',
      engine,
    ];
    const { stderr } = spawnSync(process.execPath, args, {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return { engine, pictures: count, 'peak MiB': Math.round(Number(stderr.trim()) / 1024) };
  });
}

try {
  await makeModels();
  const result = {
    onePicture: onePicture(),
    manyPictures: manyPictures(),
    memory: [...memory('native'), ...memory('wasm')],
  };
  if (options.json) console.log(JSON.stringify({ bench: 'predict', ...options, ...result }));
  else for (const rows of Object.values(result)) console.table(rows);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
