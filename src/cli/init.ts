import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { InitReport } from '../init/init.ts';
import { installedFrom } from '../init/source.ts';
import { programAsTyped } from '../system/command.ts';
import { quoteForShell } from '../text/quote.ts';
import { addExamples } from './examples.ts';

interface InitFlags {
  sample?: boolean;
  json?: boolean;
}

export function addInit(program: Command): void {
  const command = program
    .command('init')
    .description(
      'make a new project: a folder with config.ts, rawdata/ and .gitignore; nothing is overwritten',
    )
    .argument('[folder]', 'the project folder', '.')
    .option('--sample', 'also draw 200 pictures of two classes to try things out')
    .option('--json', 'print what was made as JSON')
    .action(init);
  addExamples(command, [
    ['bat-sup init my-bats', 'makes a new project in my-bats/'],
    ['bat-sup init trial --sample', 'the same, with pictures of stars and squares'],
  ]);
}

async function init(folder: string, { sample = false, json }: InitFlags): Promise<void> {
  const { initProject } = await import('../init/init.ts');
  const report = await initProject(folder, { sample });
  console.log(json ? JSON.stringify(report) : describe(report, sample));
}

/** What to type next, and why. */
function nextSteps({ folder, made }: InitReport, sample: boolean): [command: string, why?: string][] {
  const isInstalled = existsSync(join(folder, 'node_modules', 'bat-sup'));
  // npm installs this very program into the project, where npx finds it.
  const program = programAsTyped() === 'bat-sup' ? 'bat-sup' : 'npx bat-sup';
  const install: [string, string?][] = made.includes('package.json')
    ? [['npm install', 'once, so that your editor can complete config.ts']]
    : [[`npm install --save-dev ${quoteForShell(installedFrom())}`]];
  return [
    ...(folder === '.' ? [] : [[`cd ${quoteForShell(folder)}`] as [string]]),
    ...(isInstalled ? [] : install),
    ...(sample ? [] : [['put 300 or more pictures of each class into rawdata/<class>/'] as [string]]),
    [`${program} train${sample ? ' --epochs 10' : ''}`, 'press Ctrl-C to stop; train --resume continues'],
  ];
}

function describe(report: InitReport, sample: boolean): string {
  const { folder, made, kept } = report;
  const steps = nextSteps(report, sample);
  const explained = steps.filter(([, why]) => why !== undefined);
  const width = Math.max(...explained.map(([command]) => command.length));
  return [
    ...(made.length > 0 ? [`Made in ${folder}: ${made.join(', ')}`] : []),
    ...(kept.length > 0 ? [`Left unchanged: ${kept.join(', ')}`] : []),
    'Next:',
    ...steps.map(([command, why]) => `  ${why ? `${command.padEnd(width)}  # ${why}` : command}`),
  ].join('\n');
}
