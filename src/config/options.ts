import { type Command, Option } from 'commander';
import { flagName, type Setting, type SettingName, settings } from './settings.ts';

/** Adds the flags of these settings to a command, described as in their table. */
export function settingOptions(command: Command, names: SettingName[]): Command {
  for (const name of names) {
    const { description, default: value, choices, placeholder }: Setting<unknown> = settings[name];
    const type = Array.isArray(value) ? 'names' : typeof value === 'number' ? 'n' : 'value';
    const text = `${description} (default: ${describeValue(value)})`;
    const option = new Option(`--${flagName(name)} <${placeholder ?? type}>`, text);
    // Not by choices(): values are checked with those of config.ts and the environment, in the same words.
    if (choices) option.argChoices = [...choices];
    command.addOption(option);
  }
  return command;
}

/** A setting's value as a flag would give it. */
export function describeValue(value: unknown): string {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(',');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
