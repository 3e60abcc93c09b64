import type { Command } from 'commander';
import { listCheckpoints } from '../checkpoints/index.ts';
import { parametersOf } from '../checkpoints/manifest.ts';
import { type Settings, settingOptions, settingsInForce, sizeGiven, valuesOf } from '../config/index.ts';
import { UsageError } from '../errors.ts';
import type { Network } from '../formats/index.ts';
import { describeNormalisation } from '../models/preprocessing.ts';
import { runFolder } from '../runs/run_folder.ts';
import { batSup } from '../system/command.ts';
import { keepFoldersApart } from '../system/keep_apart.ts';
import { wrap } from '../text/format.ts';
import { printable } from '../text/printable.ts';
import { quoteForShell } from '../text/quote.ts';
import { addExamples } from './examples.ts';
import { type HintFlags, hintOptions, printAssumed, readHints } from './import_hints.ts';

interface ImportFlags extends HintFlags, Record<string, unknown> {
  run?: string;
  json?: boolean;
}

export function addImport(program: Command): void {
  const command = program
    .command('import')
    .description('turn a network of another program into a run')
    .argument('<path>', 'file or folder of the network')
    .option(
      '--run <name>',
      'name of the run, a folder in the checkpoints folder (default: run-001, run-002 ...)',
    )
    .option('--json', 'print what was imported as JSON');
  hintOptions(command);
  settingOptions(command, ['checkpoints', 'fit', 'crop', 'filter', 'width', 'height']).action(runImport);
  addExamples(command, [
    ['bat-sup import model.onnx --classes bat,cat', 'makes a run from an ONNX file'],
    [
      'bat-sup import checkpoint-folder --order bgr --scale 1',
      'makes a run from a checkpoint of the article, trained with OpenCV',
    ],
  ]);
}

async function runImport(source: string, flags: ImportFlags): Promise<void> {
  const inForce = await settingsInForce(flags);
  const settings = valuesOf(inForce);
  const hints = readHints(flags);
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
    ...hints.preprocessing,
  };
  const { startEngine } = await import('../engine/index.ts');
  const engine = await startEngine('wasm', settings);
  const { format, network } = await importNetwork(source, {
    ...hints,
    preprocessing,
    size: sizeGiven(inForce),
  }).finally(() => engine.dispose());
  checkSize(source, flags, network, settings);
  printAssumed(network, flags);
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
