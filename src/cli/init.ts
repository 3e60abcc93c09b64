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
      'make a folder for a new project: config.ts, rawdata/ and what git needs; nothing is overwritten',
    )
    .argument('[folder]', 'the folder, made where it is not there', '.')
    .option('--sample', 'also draw 200 pictures of two classes, to try everything with')
    .option('--json', 'print what was made as JSON')
    .action(init);
  addExamples(command, [
    ['bat-sup init my-bats', 'a new project in my-bats/'],
    ['bat-sup init trial --sample', 'the same, with pictures of stars and squares'],
  ]);
}

async function init(folder: string, { sample = false, json }: InitFlags): Promise<void> {
  const { initProject } = await import('../init/init.ts');
  const report = await initProject(folder, { sample });
  console.log(json ? JSON.stringify(report) : describe(report, sample));
}

/** What is typed next, and why. */
function nextSteps({ folder, made }: InitReport, sample: boolean): [command: string, why?: string][] {
  const isInstalled = existsSync(join(folder, 'node_modules', 'bat-sup'));
  // What is installed then is this same program, and npx finds it in the project.
  const program = programAsTyped() === 'bat-sup' ? 'bat-sup' : 'npx bat-sup';
  const install: [string, string?][] = made.includes('package.json')
    ? [['npm install', 'once; lets your editor complete config.ts']]
    : [[`npm install --save-dev ${quoteForShell(installedFrom())}`]];
  return [
    ...(folder === '.' ? [] : [[`cd ${quoteForShell(folder)}`] as [string]]),
    ...(isInstalled ? [] : install),
    ...(sample
      ? []
      : [['put pictures into rawdata/<class>/, a folder for each class, 300 or more'] as [string]]),
    [`${program} train${sample ? ' --epochs 10' : ''}`, 'Ctrl-C stops, train --resume continues'],
  ];
}

function describe(report: InitReport, sample: boolean): string {
  const { folder, made, kept } = report;
  const steps = nextSteps(report, sample);
  const explained = steps.filter(([, why]) => why !== undefined);
  const width = Math.max(...explained.map(([command]) => command.length));
  return [
    ...(made.length > 0 ? [`Made in ${folder}: ${made.join(', ')}`] : []),
    ...(kept.length > 0 ? [`There before, left as it was: ${kept.join(', ')}`] : []),
    'Next:',
    ...steps.map(([command, why]) => `  ${why ? `${command.padEnd(width)}  # ${why}` : command}`),
  ].join('\n');
}
