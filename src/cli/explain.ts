import type { Command } from 'commander';
import { readSettings, settingOptions } from '../config/index.ts';
import { UserError } from '../errors.ts';
import type { Explained } from '../explain/explain_all.ts';
import { hottest } from '../explain/heat_map.ts';
import { keepOutputApart } from '../system/keep_apart.ts';
import { counted } from '../text/format.ts';
import { limit } from '../unknown/rejection.ts';
import { type CheckpointFlags, checkpointOptions, checkpointPlace, whichOf } from './chosen_checkpoint.ts';
import { addExamples } from './examples.ts';
import { fileError, notice } from './notice.ts';

interface ExplainOptions extends CheckpointFlags, Record<string, unknown> {
  class?: string;
  output: string;
  layers?: boolean;
  occlusion: boolean;
  json?: boolean;
}

export function addExplain(program: Command): void {
  const command = program
    .command('explain')
    .description('draw where in a picture the network sees its class')
    .argument('<pictures...>', 'files, folders, globs, or - for stdin (a picture, or a list of files)');
  checkpointOptions(command)
    .option(
      '--class <name>',
      'class to explain (default: the likeliest; after train --multi-label all that are answered)',
    )
    .option('--output <folder>', 'folder for the drawings', 'explained')
    .option('--layers', 'also draw the feature maps of every layer')
    .option('--no-occlusion', 'skip occlusion, the slower second method')
    .option('--json', 'print JSON Lines: one object per picture');
  settingOptions(command, ['checkpoints', 'engine', 'threads']).action(explainPictures);
  addExamples(command, [
    ['bat-sup explain photo.jpg', 'draws where the network sees the class, into explained/'],
    [
      'bat-sup explain photo.jpg --class bat --no-occlusion',
      'draws where it sees another class, by Grad-CAM alone',
    ],
  ]);
}

async function explainPictures(pictures: string[], options: ExplainOptions): Promise<void> {
  const settings = await readSettings(options);
  await keepOutputApart(settings, { option: '--output', path: options.output });
  const { startEngine } = await import('../engine/index.ts');
  const { loadPredictor } = await import('../predict/load_predictor.ts');
  const { predictInputs } = await import('../predict/inputs.ts');
  const { explainAll } = await import('../explain/explain_all.ts');
  const engine = await startEngine(settings.engine, settings);
  try {
    const place = checkpointPlace(options.checkpoint, settings.checkpoints);
    const model = await loadPredictor(place, whichOf(options), notice);
    let failed = 0;
    for await (const explained of explainAll(model, predictInputs(pictures), options)) {
      if ('error' in explained) {
        failed++;
        fileError(explained.name, explained.error);
      } else {
        console.log(options.json ? json(explained) : text(explained));
      }
    }
    model.dispose();
    if (failed > 0)
      throw new UserError(`${counted(failed, 'picture')} could not be read; the others are explained.`);
  } finally {
    await engine.dispose();
  }
}

type ExplainedPicture = Exclude<Explained, { error: string }>;

function text({ name, explanation, files }: ExplainedPicture): string {
  const drawn = [files.gradCam, files.occlusion, ...Object.values(files.layers ?? {})];
  const agreement =
    explanation.agreement === undefined ? '' : `  agreement ${explanation.agreement.toFixed(2)}`;
  const { distance = 0 } = explanation;
  const unknown = distance > limit ? `unknown, distance ${distance.toFixed(2)}; ` : '';
  const answer = `${name}  ${unknown}${explanation.class} ${explanation.probability.toFixed(4)}${agreement}`;
  return [answer, ...drawn.filter((file) => file !== undefined).map((file) => `  ${file}`)].join('\n');
}

function json({ name, explanation, files }: ExplainedPicture): string {
  const { width, height, probability, distance, occlusion, agreement, gradCam } = explanation;
  const rounded = (value: number) => Number(value.toPrecision(7));
  return JSON.stringify({
    file: name,
    class: explanation.class,
    probability: rounded(probability),
    ...(distance !== undefined && { unknown: distance > limit, distance: rounded(distance) }),
    width,
    height,
    gradCam: { file: files.gradCam, hottest: hottest(gradCam, width) },
    ...(occlusion && {
      occlusion: {
        file: files.occlusion,
        hottest: hottest(occlusion.heat, width),
        largestDrop: rounded(occlusion.largestDrop),
      },
    }),
    ...(agreement !== undefined && { agreement: rounded(agreement) }),
    ...(files.layers && { layers: files.layers }),
  });
}
