import { type Command, Option } from 'commander';
import { flagName, type SettingName, settings } from './settings.ts';

/** Adds the flags of these settings to a command, described as in their table. */
export function settingOptions(command: Command, names: SettingName[]): Command {
  for (const name of names) {
    const { description, default: value } = settings[name];
    const placeholder = Array.isArray(value) ? 'names' : typeof value === 'number' ? 'n' : 'value';
    const text = `${description} (default: ${describeValue(value)})`;
    command.addOption(new Option(`--${flagName(name)} <${placeholder}>`, text));
  }
  return command;
}

/** A setting's value as a flag would give it. */
export function describeValue(value: unknown): string {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(',');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
