import type { Command } from 'commander';
import type { InitReport } from '../init/init.ts';
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

function describe({ folder, made, kept }: InitReport, sample: boolean): string {
  const enter = folder === '.' ? [] : [`  cd ${folder}`];
  const pictures = sample
    ? []
    : ['  put pictures into rawdata/<class>/, a folder for each class, 300 or more'];
  return [
    ...(made.length > 0 ? [`Made in ${folder}: ${made.join(', ')}`] : []),
    ...(kept.length > 0 ? [`There before, left as it was: ${kept.join(', ')}`] : []),
    'Next:',
    ...enter,
    '  npm install                       # once; your editor knows the settings of config.ts then',
    ...pictures,
    `  npx bat-sup train${sample ? ' --epochs 10' : '            '}     # stop at any time; --resume goes on`,
  ].join('\n');
}
