import type { Command } from 'commander';
import { describeValue, settingNames, settingOptions, settingsInForce } from '../config/index.ts';
import { wrap } from '../text/format.ts';
import { table } from '../text/table.ts';
import { addExamples } from './examples.ts';

export function addConfig(program: Command): void {
  const command = program
    .command('config')
    .description('print every setting, its value and where the value comes from')
    .option('--json', 'print JSON');
  settingOptions(command, settingNames).action(async (options) => {
    const inForce = await settingsInForce(options);
    if (options.json) {
      console.log(JSON.stringify(inForce, null, 2));
      return;
    }
    const start = table(
      settingNames.map((name) => [name, inForce[name].from, '|']),
      [0, 1],
    ).split('\n');
    for (const [index, name] of settingNames.entries()) {
      const columns = (start[index] as string).slice(0, -1);
      const value = readable(inForce[name].value);
      console.log(wrap(columns + value, { indent: ' '.repeat(columns.length) }));
    }
  });
  addExamples(command, [
    ['bat-sup config', 'prints every setting'],
    ['bat-sup config --recipe best', 'the settings that another recipe would give'],
  ]);
}

/** As it is typed after a flag, but lists of names with blanks, where lines can break. */
function readable(value: unknown): string {
  const isNames = Array.isArray(value) && value.every((item) => typeof item === 'string');
  return isNames ? value.join(', ') : describeValue(value);
}
