import type { Command } from 'commander';
import { describeValue, settingNames, settingOptions, settingsInForce } from '../config/index.ts';
import { addExamples } from './examples.ts';

export function addConfig(program: Command): void {
  const command = program
    .command('config')
    .description('print every setting in force and where it comes from')
    .option('--json', 'print JSON');
  settingOptions(command, settingNames).action(async (options) => {
    const inForce = await settingsInForce(options);
    if (options.json) {
      console.log(JSON.stringify(inForce, null, 2));
      return;
    }
    const widest = Math.max(...settingNames.map((name) => name.length));
    for (const name of settingNames) {
      const { value, from } = inForce[name];
      console.log(`${name.padEnd(widest)} ${describeValue(value).padEnd(12)} ${from}`);
    }
  });
  addExamples(command, [
    ['bat-sup config', 'prints every setting in force'],
    ['bat-sup config --recipe best', 'as they would be with another recipe'],
  ]);
}
