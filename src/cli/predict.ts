import { buffer } from 'node:stream/consumers';
import { type Command, Option } from 'commander';
import { streamShareOf, type World } from '../cluster/index.ts';
import { type Settings, settingOptions } from '../config/index.ts';
import type { Engine } from '../engine/index.ts';
import { UsageError, UserError } from '../errors.ts';
import type { Activation, Predictor } from '../predict/load_model.ts';
import { printable } from '../printable.ts';
import { csvLine } from './csv.ts';
import { addExamples } from './examples.ts';
import { notice } from './notice.ts';
import { onRanks, readEngineSettings, readTogether } from './ranks.ts';
import { readShard, shardOption } from './shard.ts';

interface PredictOptions extends Record<string, unknown> {
  checkpoint?: string;
  newest?: boolean;
  activation: Activation;
  topK?: string;
  shard?: string;
  json?: boolean;
  csv?: boolean;
}

export function addPredict(program: Command): void {
  const command = program
    .command('predict')
    .description('tell the class of pictures')
    .argument('<pictures...>', 'files, folders, globs, or - for stdin (a picture, or a list of files)')
    .option('--checkpoint <folder>', 'checkpoint or run to use (default: the best of the newest run)')
    .option('--newest', 'use the newest checkpoint of the run instead of its best')
    .addOption(
      new Option(
        '--activation <name>',
        'softmax: classes share 1; sigmoid: each class by itself; none: logits',
      )
        .choices(['softmax', 'sigmoid', 'none'])
        .default('softmax'),
    )
    .option('--top-k <n>', 'list the n likeliest classes')
    .option('--json', 'print a JSON object a line')
    .option('--csv', 'print CSV');
  settingOptions(shardOption(command), ['checkpoints', 'engine', 'threads']).action((pictures, options) =>
    onRanks((world) => predict(pictures, options, world)),
  );
  addExamples(command, [
    ['bat-sup predict photo.jpg', 'tells its class and how sure that is'],
    [
      'bat-sup predict holiday --top-k 3 --json',
      'the three likeliest for every picture in a folder, an object a line',
    ],
    ['bat-sup predict "holiday/**/*.png" --csv', 'pictures by a pattern, as a table'],
  ]);
}

function readTopK(topK: string | undefined): number {
  const count = Number(topK ?? 1);
  if (Number.isInteger(count) && count > 0) return count;
  throw new UsageError(`--top-k is "${topK}"; allowed is a whole number from 1 up.`);
}

async function predict(pictures: string[], options: PredictOptions, world: World | undefined): Promise<void> {
  const shard = readShard(options.shard, world);
  const settings = await readEngineSettings(options, world);
  const topK = readTopK(options.topK);
  if (options.json && options.csv) throw new UsageError('--json and --csv exclude each other; give one.');
  const { loadModel } = await import('../predict/load_model.ts');
  const { batchSize, predictAll } = await import('../predict/predict_all.ts');
  const { predictOnRanks } = await import('../predict/predict_on_ranks.ts');
  const { predictInputs } = await import('../predict/inputs.ts');
  const named = predictInputs(pictures, world && (() => shareStdin(world)));
  const inputs = await readAhead(named, picturesWorthStarting);
  const engine = await startEngineFor(settings, inputs.ahead.length);
  const load = (place: string) => loadModel(place, options.newest ? 'newest' : 'best', notice);
  const place = options.checkpoint ?? settings.checkpoints;
  const model = world ? await loadOnRanks(world, load, place) : await load(place);
  const print = printer(options, model.description.classes, topK);
  let failed = 0;
  const own = shard ? streamShareOf(inputs.all(), shard, batchSize) : inputs.all();
  const predictions = world
    ? predictOnRanks(world, model, own, options.activation)
    : predictAll(model, own, options.activation);
  for await (const prediction of predictions) {
    if ('values' in prediction) {
      print(prediction.name, prediction.values);
    } else {
      failed++;
      console.error(`bat-sup: ${printable(prediction.name)}: ${prediction.error}`);
    }
  }
  model.dispose();
  await engine.dispose();
  if (failed > 0)
    throw new UserError(`${failed} of the pictures could not be read; the others are answered.`);
}

/** A launcher gives stdin to rank 0 alone. */
async function shareStdin(world: World): Promise<Buffer> {
  const read = async () => (await buffer(process.stdin)).toString('base64');
  return Buffer.from(await readTogether(world, read), 'base64');
}

/** The checkpoint that rank 0 has found, also where a training makes newer ones meanwhile. */
async function loadOnRanks(
  world: World,
  load: (place: string) => Promise<Predictor>,
  place: string,
): Promise<Predictor> {
  if (world.rank > 0) return load(await world.share(''));
  const model = await load(place);
  await world.share(model.checkpoint);
  return model;
}

/**
 * TensorFlow takes half a second longer to start than the embedded engine and answers faster then: from here on it is
 * done first (two cores; 100 pictures 1.3 s against 1.2 s, 800 pictures 4.4 s against 5.5 s).
 */
const picturesWorthStarting = 200;

/** The engine that answers so many pictures first, unless the settings name one. */
export async function startEngineFor(settings: Settings, pictures: number): Promise<Engine> {
  const { startEngine } = await import('../engine/index.ts');
  const few = settings.engine === 'auto' && pictures < picturesWorthStarting;
  return startEngine(few ? 'wasm' : settings.engine, settings);
}

/** The first `count` of a list whose end is not known, and all of it. */
async function readAhead<T>(list: AsyncGenerator<T>, count: number) {
  const ahead: T[] = [];
  while (ahead.length < count) {
    const next = await list.next();
    if (next.done) break;
    ahead.push(next.value);
  }
  return {
    ahead,
    async *all() {
      yield* ahead;
      yield* list;
    },
  };
}

type Print = (name: string, values: Float32Array) => void;

function printer(options: PredictOptions, classes: string[], topK: number): Print {
  const kind = options.activation === 'none' ? 'logit' : 'probability';
  const ranked = (values: Float32Array) =>
    classes
      .map((name, index) => ({ class: name, [kind]: Number((values[index] as number).toPrecision(7)) }))
      .sort((a, b) => Number(b[kind]) - Number(a[kind]));

  if (options.json) {
    return (file, values) => {
      const [best, ...rest] = ranked(values);
      const top = topK > 1 ? { top: [best, ...rest].slice(0, topK) } : {};
      console.log(JSON.stringify({ file, ...best, ...top }));
    };
  }
  if (options.csv) {
    console.log(csvLine(['file', 'class', kind, ...classes]));
    return (file, values) => {
      const [best] = ranked(values);
      const all = [...values].map((value) => String(Number(value.toPrecision(7))));
      console.log(csvLine([file, String(best?.class), String(best?.[kind]), ...all]));
    };
  }
  return (file, values) => {
    const list = ranked(values).slice(0, topK);
    console.log(
      `${printable(file)}  ${list.map((one) => `${one.class} ${Number(one[kind]).toFixed(4)}`).join('  ')}`,
    );
  };
}
