import { type Command, Option } from 'commander';
import { flagName, type SettingName, settings } from './settings.ts';

/** Adds the flags of these settings to a command, described as in their table. */
export function settingOptions(command: Command, names: SettingName[]): Command {
  for (const name of names) {
    const { description, default: value } = settings[name];
    const placeholder = Array.isArray(value) ? 'names' : typeof value === 'number' ? 'n' : 'value';
    const text = `${description} (default: ${Array.isArray(value) ? value.join(',') : value})`;
    command.addOption(new Option(`--${flagName(name)} <${placeholder}>`, text));
  }
  return command;
}
