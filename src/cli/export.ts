import { type Command, Option } from 'commander';
import { type Checkpoint, findIntact } from '../checkpoints/index.ts';
import { readSettings, settingOptions } from '../config/index.ts';
import { UsageError, UserError } from '../errors.ts';
import type { AccuracyChange } from '../formats/accuracy_change.ts';
import { type ExportOptions, type Format, formats, type Network, weightTypes } from '../formats/index.ts';
import { keepOutputApart } from '../system/keep_apart.ts';
import { counted, figure } from '../text/format.ts';
import {
  adviseBetterRun,
  announceCheckpoint,
  type CheckpointFlags,
  checkpointOptions,
  checkpointPlace,
  whichOf,
} from './chosen_checkpoint.ts';
import { addExamples } from './examples.ts';
import { notice, noticeText } from './notice.ts';

interface ExportFlags extends CheckpointFlags, Record<string, unknown> {
  format: string;
  output?: string;
  overwrite?: boolean;
  json?: boolean;
  weights: ExportOptions['weights'];
  preprocessing: ExportOptions['preprocessing'];
}

export function addExport(program: Command): void {
  const names = Object.keys(formats).filter((name) => formats[name]?.export);
  const command = program
    .command('export')
    .description('write a trained network in the format of another program')
    .addOption(
      new Option('--format <name>', names.map((name) => `${name}: ${formats[name]?.description}`).join('\n'))
        .choices(names)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option(
        '--weights <type>',
        'type of the stored weights; float16 and int8 are smaller and less exact',
      )
        .choices(weightTypes)
        .default('float32'),
    )
    .addOption(
      new Option(
        '--preprocessing <where>',
        'inside: the exported network takes pixels, 0..255; outside: it takes scaled and normalised pixels',
      )
        .choices(['inside', 'outside'])
        .default('inside'),
    )
    .option('--output <path>', 'file or folder to write (default: the usual name of the format)');
  checkpointOptions(command)
    .option('--overwrite', 'replace an earlier export')
    .option('--json', 'print what was written as JSON');
  settingOptions(command, ['checkpoints']).action(runExport);
  addExamples(command, [
    ['bat-sup export --format web', 'writes a web page that runs the network in the browser, into web/'],
    [
      'bat-sup export --format onnx --weights int8',
      'writes model.onnx for ONNX Runtime, a quarter of the size',
    ],
  ]);
}

/** @throws {UsageError} where the format cannot store what the flags ask for. */
function checkOptions(
  { weights = ['float32'], whyNotAll, preprocessing = false }: Format,
  flags: Pick<ExportFlags, 'format' | 'weights' | 'preprocessing'>,
): void {
  if (!weights.includes(flags.weights)) {
    const others = Object.keys(formats).filter((name) => formats[name]?.weights?.includes(flags.weights));
    const why = whyNotAll ? `: ${whyNotAll}` : '';
    throw new UsageError(
      `${flags.format} stores weights as ${weights.join(' or ')}, not ${flags.weights}${why}; ` +
        `use ${others.join(', ')}.`,
    );
  }
  if (!preprocessing && flags.preprocessing === 'outside')
    throw new UsageError(`${flags.format} does not support --preprocessing; leave it out.`);
}

async function runExport(flags: ExportFlags): Promise<void> {
  const settings = await readSettings(flags);
  const format = formats[flags.format] as (typeof formats)[string];
  checkOptions(format, flags);
  const output = flags.output ?? format.output;
  await keepOutputApart(settings, { option: '--output', path: output });
  const place = checkpointPlace(flags.checkpoint, settings.checkpoints);
  const checkpoint = await findIntact(place, whichOf(flags), ['weights.bin'], notice);
  const { startEngine } = await import('../engine/index.ts');
  const { networkOf } = await import('../formats/network.ts');
  const { exportNetwork } = await import('../formats/export.ts');
  const engine = await startEngine('wasm', settings);
  try {
    const network = await networkOf(checkpoint);
    const { overwrite = false } = flags;
    const files = await exportNetwork(network, format, output, flags, { overwrite });
    announceCheckpoint(checkpoint.folder);
    if (network.rejection && !format.rejects)
      console.error(
        noticeText(
          `${flags.format} holds the network alone, which answers a class for every picture; "unknown" is said by predict, serve and --format web.`,
        ),
      );
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

/** How rounding the weights changes the accuracy on the pictures held back; undefined where it cannot be measured. */
async function lossOf(
  network: Network,
  checkpoint: Checkpoint,
  format: Format,
  output: string,
): Promise<AccuracyChange | undefined> {
  if (!format.import) {
    console.error(
      noticeText('The effect of the rounded weights was not measured: bat-sup cannot run this format.'),
    );
    return undefined;
  }
  const { validationPictures } = await import('../evaluation/pictures.ts');
  const { measureAccuracyChange } = await import('../formats/accuracy_change.ts');
  try {
    const pictures = await validationPictures(checkpoint);
    const stored = await format.import(output, network.model);
    return await measureAccuracyChange(network, stored, pictures);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(noticeText(`The effect of the rounded weights was not measured: ${error.message}`));
    return undefined;
  }
}

interface Exported extends Pick<ExportFlags, 'format' | 'weights'> {
  checkpoint: string;
  output: string;
  files: { file: string; bytes: number }[];
  loss: AccuracyChange | undefined;
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
    `Accuracy on the ${counted(pictures, 'validation picture')}: ${figure(accuracyAfter)} with ${weights} weights,\n` +
      `  ${figure(accuracyBefore)} with float32; ${counted(changed, 'prediction')} changed.`,
  );
}

function sizeText(bytes: number): string {
  return bytes < 1e5 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
