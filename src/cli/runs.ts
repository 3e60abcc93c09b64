import type { Command } from 'commander';
import { readSettings, settingOptions } from '../config/index.ts';
import type { RunSummary } from '../runs/list.ts';
import { duration, figure, lineWidth, localTime, settingText, wrap } from '../text/format.ts';
import { table } from '../text/table.ts';
import { addExamples } from './examples.ts';
import { notice } from './notice.ts';

export function addRuns(program: Command): void {
  const command = program
    .command('runs')
    .description('list trainings, their accuracy, and the settings in which they differ')
    .argument('[names...]', 'names of runs (default: all)')
    .option('--json', 'print everything as JSON');
  settingOptions(command, ['checkpoints']).action(printRuns);
  addExamples(command, [
    ['bat-sup runs', 'lists all trainings'],
    ['bat-sup runs run-001 run-002', 'compares two trainings and their settings'],
  ]);
}

async function printRuns(names: string[], flags: Record<string, unknown>): Promise<void> {
  const { checkpoints } = await readSettings(flags);
  const { differingSettings, listRuns } = await import('../runs/list.ts');
  const runs = await listRuns(checkpoints, names, notice);
  const differing = differingSettings(runs);
  if (flags.json) {
    console.log(JSON.stringify({ runs, differingSettings: differing }));
    return;
  }
  console.log(describe(runs));
  if (Object.keys(differing).length === 0) return;
  console.log(`\nSettings that differ\n${describeDiffering(runs, differing)}`);
}

function describe(runs: RunSummary[]): string {
  const titles = ['run', 'state', 'started', 'epochs', 'best', 'last', 'time', 'MB'];
  const rows = runs.map((run) => [
    run.name,
    run.state,
    run.started ? localTime(run.started) : '-',
    run.epochsWanted === null ? String(run.epochs) : `${run.epochs}/${run.epochsWanted}`,
    figure(run.best.validationAccuracy),
    figure(run.last.validationAccuracy),
    run.seconds === null ? '-' : duration(run.seconds),
    (run.bytes / 1e6).toFixed(0),
  ]);
  return `${table([titles, ...rows], [0, 1, 2])}\n(best and last are validation accuracies; --json prints more)`;
}

/** One column per run where that fits, otherwise one line per run. */
function describeDiffering(runs: RunSummary[], differing: Record<string, unknown[]>): string {
  const rows = Object.entries(differing).map(([name, values]) => [name, ...values.map(settingText)]);
  const columns = table([['', ...runs.map(({ name }) => name)], ...rows], [0]);
  if (columns.split('\n').every((line) => line.length <= lineWidth)) return columns;
  return rows
    .flatMap(([name, ...values]) => [
      name,
      ...values.map((value, index) => wrap(`  ${runs[index]?.name}  ${value}`, { indent: '    ' })),
    ])
    .join('\n');
}
