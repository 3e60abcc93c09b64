import { type Command, Option } from 'commander';
import { quoteForShell } from '../text/quote.ts';
import type { SettingsInForce } from './load.ts';
import { startDefaults } from './pretrained.ts';
import { recipes } from './recipes.ts';
import {
  type Config,
  flagName,
  type Setting,
  type SettingName,
  type Settings,
  settingNames,
  settings,
} from './settings.ts';

/** Adds the flags of these settings to a command, described as in the table of settings. */
export function settingOptions(command: Command, names: SettingName[]): Command {
  for (const name of names) {
    const { description, default: value, choices, placeholder, alone }: Setting<unknown> = settings[name];
    const type = placeholder ?? (Array.isArray(value) ? 'names' : typeof value === 'number' ? 'n' : 'value');
    const argument = alone === undefined ? `<${type}>` : `[${type}]`;
    const option = new Option(`--${flagName(name)} ${argument}`, description).preset(alone);
    // For the help alone: a default value would hide that the flag was not given. Lines can break between names.
    option.defaultValueDescription = describeValue(value).replaceAll(',', ', ');
    // Not by choices(): readSettings checks flags, environment and config.ts alike, with the same messages.
    if (choices) option.argChoices = [...choices];
    command.addOption(option);
  }
  return command;
}

/** A setting's value as it is typed after its flag. */
export function describeValue(value: unknown): string {
  if (Array.isArray(value) && value.length === 0) return 'none';
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(',');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function flagText(name: SettingName, value: unknown): string {
  return `--${flagName(name)} ${quoteForShell(describeValue(value))}`;
}

/**
 * The flags that another command needs to have the settings that this one got from flags and the environment, quoted for
 * the shell: ['--width 32', ...]. Both read the same config.ts.
 */
export function flagsGiven(inForce: SettingsInForce, names: readonly SettingName[]): string[] {
  return names
    .filter((name) => /^(--|BATSUP_)/.test(inForce[name].from))
    .map((name) => flagText(name, inForce[name].value));
}

/** The flags that give these settings, quoted for the shell: ['--width 32', ...]. */
export function flagsOf(values: Config, names: readonly SettingName[]): string[] {
  return names.filter((name) => values[name] !== undefined).map((name) => flagText(name, values[name]));
}

/** The flags that give these settings where there is no config.ts; defaults need none. */
export function flagsFor(values: Config, names: readonly SettingName[] = settingNames): string[] {
  const defaults: Config = {
    ...recipes[values.recipe ?? 'article'],
    ...startDefaults(values),
  };
  const defaultOf = (name: SettingName): Settings[SettingName] => defaults[name] ?? settings[name].default;
  return flagsOf(
    values,
    names.filter((name) => describeValue(values[name]) !== describeValue(defaultOf(name))),
  );
}
