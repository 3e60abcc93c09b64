import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { newestRun } from '../checkpoints/index.ts';
import { readSettings, settingOptions } from '../config/index.ts';
import { soonestEngine } from '../engine/engine.ts';
import { UserError } from '../errors.ts';
import { keepOutputApart } from '../system/keep_apart.ts';
import { addExamples } from './examples.ts';
import { notice } from './notice.ts';
import { progressBar } from './progress.ts';

interface ReportFlags extends Record<string, unknown> {
  output: string;
  data?: string;
  json?: boolean;
}

export function addReport(program: Command): void {
  const command = program
    .command('report')
    .description('write an HTML report of a training')
    .argument('[run]', 'name or folder of the run (default: the newest)')
    .option('--output <file>', 'file to write', 'report.html')
    .option('--json', 'print the result as JSON');
  settingOptions(command, ['checkpoints', 'data', 'seed', 'engine', 'threads']).action(report);
  addExamples(command, [
    ['bat-sup report', 'writes report.html about the newest run'],
    ['bat-sup report run-001 --output first.html', 'writes a report of another run into another file'],
  ]);
}

async function chooseRun(run: string | undefined, checkpoints: string): Promise<string> {
  if (run === undefined) return newestRun(checkpoints);
  const folder = [join(checkpoints, run), run].find((candidate) => existsSync(candidate));
  if (folder) return folder.replace(/[\\/]+$/, '');
  throw new UserError(`${checkpoints} holds no run "${run}"; "bat-sup runs" lists them all.`);
}

/** According to the run's record; where it is damaged, the report says so. */
async function countHeldBack(run: string): Promise<number> {
  const { readRecord } = await import('../runs/record.ts');
  const record = await readRecord(run).catch(() => undefined);
  return record?.sessions.at(-1)?.dataset.reduce((sum, { validation }) => sum + validation, 0) ?? 0;
}

async function report(name: string | undefined, flags: ReportFlags): Promise<void> {
  const settings = await readSettings(flags);
  await keepOutputApart(settings, { option: '--output', path: flags.output });
  const run = await chooseRun(name, settings.checkpoints);
  const { writeReport } = await import('../report/report.ts');
  const pictures = await countHeldBack(run);
  const { startEngine } = await import('../engine/index.ts');
  const engine = await startEngine(soonestEngine(settings.engine, pictures), settings);
  const bar = progressBar('Evaluating', pictures);
  const result = await writeReport({
    run,
    output: flags.output,
    data: flags.data,
    seed: flags.seed === undefined ? undefined : settings.seed,
    notice,
    onProgress: (done) => bar.update(done),
  }).finally(async () => {
    bar.stop();
    await engine.dispose();
  });
  const { output, checkpoint, bytes, evaluation } = result;
  if ('missing' in evaluation) console.error(`not evaluated: ${evaluation.missing}`);
  const isSets = 'exactMatch' in evaluation;
  const accuracy = 'accuracy' in evaluation ? evaluation.accuracy : isSets ? evaluation.exactMatch : null;
  console.log(
    flags.json
      ? JSON.stringify({ output, run, checkpoint, bytes, accuracy })
      : `${output}: ${run}, ${(bytes / 1000).toFixed(0)} kB`,
  );
}
