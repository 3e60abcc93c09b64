import { type Command, Option } from 'commander';
import { type Checkpoint, findIntact } from '../checkpoints/index.ts';
import { readSettings, settingOptions } from '../config/index.ts';
import { UsageError, UserError } from '../errors.ts';
import { type ExportOptions, type Format, formats, type Network, weightTypes } from '../formats/index.ts';
import type { WeightLoss } from '../formats/measure_loss.ts';
import { keepOutputApart } from '../system/keep_apart.ts';
import { figure } from '../text/format.ts';
import { adviseBetterRun, announceCheckpoint, checkpointPlace } from './chosen_checkpoint.ts';
import { addExamples } from './examples.ts';
import { notice } from './notice.ts';

interface ExportFlags extends Record<string, unknown> {
  format: string;
  output?: string;
  checkpoint?: string;
  newest?: boolean;
  overwrite?: boolean;
  json?: boolean;
  weights: ExportOptions['weights'];
  preprocessing: ExportOptions['preprocessing'];
}

export function addExport(program: Command): void {
  const names = Object.keys(formats).filter((name) => formats[name]?.export);
  const command = program
    .command('export')
    .description('write a trained network for other programs')
    .addOption(
      new Option('--format <name>', names.map((name) => `${name}: ${formats[name]?.description}`).join('; '))
        .choices(names)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--weights <type>', 'how the weights are stored; the others are smaller and less exact')
        .choices(weightTypes)
        .default('float32'),
    )
    .addOption(
      new Option('--preprocessing <where>', 'inside: it reads pixels, 0..255; outside: it reads them scaled')
        .choices(['inside', 'outside'])
        .default('inside'),
    )
    .option('--output <path>', 'file or folder to write (default: the format’s usual name)')
    .option('--checkpoint <folder>', 'checkpoint or run to use (default: the best of the newest run)')
    .option('--overwrite', 'replace an earlier export of this name')
    .option('--newest', 'use the newest checkpoint of the run instead of its best')
    .option('--json', 'print what was written as JSON');
  settingOptions(command, ['checkpoints']).action(runExport);
  addExamples(command, [
    ['bat-sup export --format web', 'a page that runs the network in the browser, in web/'],
    ['bat-sup export --format onnx --weights int8', 'model.onnx for ONNX Runtime, a quarter as large'],
  ]);
}

/** @throws {UsageError} where the format has not what is asked for. */
function checkOptions(
  { weights = ['float32'], whyNotAll, preprocessing = false }: Format,
  flags: Pick<ExportFlags, 'format' | 'weights' | 'preprocessing'>,
): void {
  if (!weights.includes(flags.weights)) {
    const others = Object.keys(formats).filter((name) => formats[name]?.weights?.includes(flags.weights));
    throw new UsageError(
      `${flags.format} stores weights as ${weights.join(' or ')}, not ${flags.weights}: ${whyNotAll}; ` +
        `take ${others.join(', ')}.`,
    );
  }
  if (!preprocessing && flags.preprocessing === 'outside')
    throw new UsageError(`${flags.format} has no choice of --preprocessing; leave it out.`);
}

async function runExport(flags: ExportFlags): Promise<void> {
  const settings = await readSettings(flags);
  const format = formats[flags.format] as (typeof formats)[string];
  checkOptions(format, flags);
  const output = flags.output ?? format.output;
  await keepOutputApart(settings, { option: '--output', path: output });
  const place = checkpointPlace(flags.checkpoint, settings.checkpoints);
  const checkpoint = await findIntact(place, flags.newest ? 'newest' : 'best', ['weights.bin'], notice);
  const { startEngine } = await import('../engine/index.ts');
  const { networkOf } = await import('../formats/network.ts');
  const { exportNetwork } = await import('../formats/export.ts');
  const engine = await startEngine('wasm', settings);
  try {
    const network = await networkOf(checkpoint);
    const { overwrite = false } = flags;
    const files = await exportNetwork(network, format, output, flags, { overwrite });
    announceCheckpoint(checkpoint.folder);
    await adviseBetterRun(checkpoint.folder, flags.checkpoint, settings.checkpoints);
    const loss = flags.weights === 'float32' ? undefined : await lossOf(network, checkpoint, format, output);
    const { format: name, weights } = flags;
    const exported = { format: name, weights, checkpoint: checkpoint.folder, output, files, loss };
    print(exported, flags.json === true);
    if (format.next && !flags.json) console.log(`Next: ${format.next(output)}`);
  } finally {
    await engine.dispose();
  }
}

/** What rounding the weights cost, on the pictures held back for validation; undefined where that cannot be told. */
async function lossOf(
  network: Network,
  checkpoint: Checkpoint,
  format: Format,
  output: string,
): Promise<WeightLoss | undefined> {
  if (!format.import) {
    console.error('bat-sup does not run this format itself: what the rounded weights cost was not measured.');
    return undefined;
  }
  const { validationPictures } = await import('../evaluation/pictures.ts');
  const { measureLoss } = await import('../formats/measure_loss.ts');
  try {
    const pictures = await validationPictures(checkpoint);
    const stored = await format.import(output, network.model);
    return await measureLoss(network, stored, pictures);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(`What the rounded weights cost was not measured: ${error.message}`);
    return undefined;
  }
}

interface Exported extends Pick<ExportFlags, 'format' | 'weights'> {
  checkpoint: string;
  output: string;
  files: { file: string; bytes: number }[];
  loss: WeightLoss | undefined;
}

function print(exported: Exported, json: boolean): void {
  if (json) {
    console.log(JSON.stringify(exported));
    return;
  }
  const { checkpoint, format, weights, files, loss } = exported;
  console.log(`Exported ${checkpoint} as ${format}:`);
  for (const { file, bytes } of files) console.log(`  ${file}  ${sizeText(bytes)}`);
  if (!loss) return;
  const { accuracyBefore, accuracyAfter, changed, pictures } = loss;
  console.log(
    `Accuracy on the ${pictures} validation pictures: ${figure(accuracyAfter)} with the weights as ${weights}, ` +
      `${figure(accuracyBefore)} as float32; ${changed} answers are others.`,
  );
}

function sizeText(bytes: number): string {
  return bytes < 1e5 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
