import { type Command, Option } from 'commander';
import { listCheckpoints } from '../checkpoints/index.ts';
import { parametersOf } from '../checkpoints/manifest.ts';
import { readSettings, type Settings, settingOptions } from '../config/index.ts';
import { UsageError } from '../errors.ts';
import type { Assumed } from '../formats/format.ts';
import type { Network } from '../formats/index.ts';
import { formats } from '../formats/index.ts';
import { describeNormalisation } from '../models/preprocessing.ts';
import { runFolder } from '../runs/run_folder.ts';
import { batSup } from '../system/command.ts';
import { keepFoldersApart } from '../system/keep_apart.ts';
import { wrap } from '../text/format.ts';
import { printable } from '../text/printable.ts';
import { quoteForShell } from '../text/quote.ts';
import { wrongValue } from '../text/wrong_value.ts';
import { addExamples } from './examples.ts';
import { notice } from './notice.ts';

interface ImportFlags extends Record<string, unknown> {
  format?: string;
  run?: string;
  classes?: string;
  order?: 'rgb' | 'bgr';
  scale?: string;
  mean?: string;
  deviation?: string;
  json?: boolean;
}

export function addImport(program: Command): void {
  const names = Object.keys(formats).filter((name) => formats[name]?.import);
  const command = program
    .command('import')
    .description('turn a network of another program into a run')
    .argument('<path>', 'file or folder of the network')
    .addOption(new Option('--format <name>', 'format (default: recognised by the content)').choices(names))
    .option(
      '--run <name>',
      'name of the run, a folder in the checkpoints folder (default: run-001, run-002 ...)',
    )
    .option('--classes <names>', 'names of its classes in the order of its outputs: bat,sup')
    .addOption(
      new Option('--order <name>', 'order of the colour channels that it was trained on').choices([
        'rgb',
        'bgr',
      ]),
    )
    .option('--scale <n>', 'factor from pixels, 0..255, to its inputs: 1, or 0.00392157 for 0..1')
    .option(
      '--mean <numbers>',
      'subtracted then, one number per channel, in the order of --order: 0.485,0.456,0.406',
    )
    .option(
      '--deviation <numbers>',
      'divides then, one number per channel, in the same order: 0.229,0.224,0.225',
    )
    .option('--json', 'print what was imported as JSON');
  settingOptions(command, ['checkpoints', 'fit', 'crop', 'filter', 'width', 'height']).action(runImport);
  addExamples(command, [
    ['bat-sup import model.onnx --classes bat,cat', 'makes a run from an ONNX file'],
    [
      'bat-sup import checkpoint-folder --order bgr --scale 1',
      'makes a run from a checkpoint of the article, trained with OpenCV',
    ],
  ]);
}

function readScale(scale: string | undefined): number | undefined {
  if (scale === undefined) return undefined;
  const value = Number(scale);
  if (Number.isFinite(value) && value > 0) return value;
  throw wrongValue('--scale', 'a number above 0', scale);
}

/** A number per channel, or one for all of them. */
function readNumbers(option: '--mean' | '--deviation', text: string | undefined): number[] | undefined {
  if (text === undefined) return undefined;
  const values = text.split(',').map((value) => (value.trim() === '' ? Number.NaN : Number(value)));
  const isRight = (value: number) => Number.isFinite(value) && (option === '--mean' || value !== 0);
  if ([1, 3].includes(values.length) && values.every(isRight)) return values;
  const what = option === '--mean' ? 'numbers' : 'numbers other than 0';
  throw wrongValue(option, `1 or 3 ${what} separated by commas`, text);
}

function readClasses(classes: string | undefined): string[] | undefined {
  const names = classes?.split(',').map((name) => name.trim());
  if (!names?.includes('')) return names;
  throw wrongValue('--classes', 'names separated by commas', classes);
}

async function runImport(source: string, flags: ImportFlags): Promise<void> {
  const settings = await readSettings(flags);
  const scale = readScale(flags.scale);
  const mean = readNumbers('--mean', flags.mean);
  const deviation = readNumbers('--deviation', flags.deviation);
  const classes = readClasses(flags.classes);
  await keepFoldersApart(settings);
  const run = await runFolder(settings.checkpoints, flags.run);
  if ((await listCheckpoints(run)).length > 0)
    throw new UsageError(`${run} holds checkpoints already; choose another name with --run.`);
  const { importNetwork } = await import('../formats/import.ts');
  const { saveImported } = await import('../formats/network.ts');
  const preprocessing = {
    ...(flags.fit !== undefined && { fit: settings.fit }),
    ...(flags.crop !== undefined && { crop: settings.crop }),
    ...(flags.filter !== undefined && { filter: settings.filter }),
    ...(flags.order && { order: flags.order }),
    ...(scale !== undefined && { scale }),
    ...(mean && { mean }),
    ...(deviation && { deviation }),
  };
  const { startEngine } = await import('../engine/index.ts');
  const engine = await startEngine('wasm', settings);
  const { format, network } = await importNetwork(source, {
    format: flags.format,
    classes,
    preprocessing,
    size: settings,
  }).finally(() => engine.dispose());
  checkSize(source, flags, network, settings);
  const isSizeGiven = flags.width !== undefined && flags.height !== undefined;
  for (const what of network.assumed ?? [])
    if (what !== 'size' || !isSizeGiven) notice(assumptions[what](network));
  const checkpoint = await saveImported(network, run, settings);
  print({ format, network, run, checkpoint }, flags.json === true);
}

/** @throws {UsageError} where a size is given and the file has another. */
function checkSize(
  source: string,
  flags: ImportFlags,
  { model }: Network,
  { width, height }: Pick<Settings, 'width' | 'height'>,
): void {
  const isOther =
    (flags.width !== undefined && width !== model.width) ||
    (flags.height !== undefined && height !== model.height);
  if (isOther)
    throw new UsageError(
      `${source} is for pictures of ${model.width} x ${model.height}; leave out --width and --height.`,
    );
}

/** How to say what the file does not specify. */
const assumptions: Record<Assumed, (network: Network) => string> = {
  size: ({ model: { width, height } }) =>
    `The file does not say the picture size; ${width} x ${height} is assumed.\n` +
    '  Set it with --width and --height.',
  scale: ({ preprocessing: { scale } }) =>
    scale === 1
      ? 'The file does not say how pixels are scaled; 0..255 is assumed.\n' +
        '  If it was trained on 0..1, import it with --scale 0.00392157.'
      : 'The file does not say how pixels are scaled; 0..1 is assumed.\n' +
        '  If it was trained on 0..255, import it with --scale 1.',
  order: ({ preprocessing: { order = 'rgb' } }) =>
    `The file does not say the order of the colour channels; ${order.toUpperCase()} is assumed.\n` +
    `  If it was trained on ${order === 'rgb' ? 'BGR' : 'RGB'}, import it with --order ${order === 'rgb' ? 'bgr' : 'rgb'}.`,
};

function print(
  { format, network, run, checkpoint }: { format: string; network: Network; run: string; checkpoint: string },
  json: boolean,
): void {
  const { model, preprocessing, weights, optimizer } = network;
  const step = optimizer?.step ?? 0;
  const parameters = parametersOf({ tensors: [...weights.values()] });
  if (json) {
    console.log(JSON.stringify({ format, run, checkpoint, model, preprocessing, parameters, step }));
    return;
  }
  const { architecture, width, height, channels, classes } = model;
  console.log(`Imported a network (${format}, ${architecture}, ${parameters} parameters): ${checkpoint}`);
  console.log(
    `Input:   ${width} x ${height} x ${channels}, ${preprocessing.order ?? 'rgb'}, pixels ${describeNormalisation(preprocessing)}`,
  );
  console.log(wrap(`Classes: ${printable(classes.join(', '))}`, { indent: '  ' }));
  if (step > 0) console.log(`Adam continues after step ${step}, with its moments`);
  console.log(`Next: ${batSup(`predict --checkpoint ${quoteForShell(run)} <pictures>`)}`);
}
