import { Option } from 'commander';
import type { Checkpoint } from '../checkpoints/index.ts';
import type { World } from '../cluster/index.ts';
import type { Settings } from '../config/index.ts';
import { UsageError, UserError } from '../errors.ts';
import type { EvaluationSet } from '../evaluation/evaluation_set.ts';
import type { Separation, UnknownEvaluation } from '../evaluation/unknown.ts';
import { counted, figure, percent } from '../text/format.ts';
import { table } from '../text/table.ts';
import { fileError, notice } from './notice.ts';
import { progressBar } from './progress.ts';

export const unknownOption = () =>
  new Option(
    '--unknown <folder>',
    'measure instead how pictures of no class are told from these; needs train --unknown',
  );

/** @throws {UsageError} where a flag is about another evaluation. */
export function refuseWithUnknown(
  flags: { calibrate?: boolean; csv?: boolean; minPrecision?: string },
  world: World | undefined,
): void {
  const other = (['calibrate', 'csv', 'minPrecision'] as const).find((name) => flags[name]);
  if (other)
    throw new UsageError(
      `--unknown is an evaluation of its own; leave out --${other === 'minPrecision' ? 'min-precision' : other}.`,
    );
  if (world) throw new UsageError('--unknown runs in one process; leave out mpirun.');
}

interface Subject {
  checkpoint: Checkpoint;
  /** The known pictures. */
  set: EvaluationSet;
  settings: Settings;
}

/** Measures and prints how pictures of a folder are told from known ones. */
export async function runUnknownEvaluation(
  folder: string,
  { checkpoint, set, settings }: Subject,
  json = false,
): Promise<void> {
  const { evaluateUnknown } = await import('../evaluation/unknown.ts');
  const { predictInputs } = await import('../predict/inputs.ts');
  const { loadPredictor } = await import('../predict/load_predictor.ts');
  const { startEngine } = await import('../engine/index.ts');
  const engine = await startEngine(settings.engine, settings);
  const bar = progressBar('Evaluating', set.pictures.length);
  const evaluating = async () => {
    const predictor = await loadPredictor(checkpoint.folder, 'best', notice);
    const pictures = { known: set.pictures, unknown: predictInputs([folder]) };
    const result = evaluateUnknown(predictor, pictures, (done) => bar.update(done));
    return result.finally(() => predictor.dispose());
  };
  const result = await evaluating().finally(async () => {
    bar.stop();
    await engine.dispose();
  });
  for (const { file, reason } of result.unreadable) fileError(file, reason);
  if (json) {
    const about = { checkpoint: checkpoint.folder, evaluated: set.name, unknownFolder: folder };
    console.log(JSON.stringify({ ...about, ...result }));
  } else {
    console.log(textOf(result, { known: set.name, unknown: folder, checkpoint: checkpoint.folder }));
  }
  const { length } = result.unreadable;
  if (length > 0)
    throw new UserError(`${counted(length, 'picture')} could not be read; the figures are about the others.`);
}

function textOf(
  result: UnknownEvaluation,
  names: { known: string; unknown: string; checkpoint: string },
): string {
  const row = (name: string, { rocAuc, knownRejected, unknownCaught }: Separation, how: string) => [
    name,
    figure(rocAuc),
    percent(knownRejected),
    percent(unknownCaught),
    how,
  ];
  const rows = [
    ['', 'ROC-AUC', 'known rejected', 'unknown caught', ''],
    row('distance', result.distance, 'what predict answers by'),
    row('softmax', result.softmax, `a threshold of ${figure(result.softmax.threshold)}, chosen here`),
  ];
  return [
    `${names.known}: ${counted(result.known, 'known picture')}`,
    `${names.unknown}: ${counted(result.unknown, 'unknown picture')}`,
    `checkpoint ${names.checkpoint}`,
    '',
    table(rows, [0, 4]),
  ].join('\n');
}
