import { type Command, Option } from 'commander';
import { quoteForShell } from '../text/quote.ts';
import type { SettingsInForce } from './load.ts';
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

/** Adds the flags of these settings to a command, described as in their table. */
export function settingOptions(command: Command, names: SettingName[]): Command {
  for (const name of names) {
    const { description, default: value, choices, placeholder }: Setting<unknown> = settings[name];
    const type = Array.isArray(value) ? 'names' : typeof value === 'number' ? 'n' : 'value';
    // With room to break lines between names.
    const text = `${description} (default: ${describeValue(value).replaceAll(',', ', ')})`;
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

function flagText(name: SettingName, value: unknown): string {
  return `--${flagName(name)} ${quoteForShell(describeValue(value))}`;
}

/**
 * What to add to another command, for it to have what this one was given by flags and environment: [] or
 * ['--width 32', ...], as a shell reads it. config.ts is there for both.
 */
export function flagsGiven(inForce: SettingsInForce, names: readonly SettingName[]): string[] {
  return names
    .filter((name) => /^(--|BATSUP_)/.test(inForce[name].from))
    .map((name) => flagText(name, inForce[name].value));
}

/** ['--width 32', ...]: the flags that give these settings. */
export function flagsOf(values: Config, names: readonly SettingName[]): string[] {
  return names.filter((name) => values[name] !== undefined).map((name) => flagText(name, values[name]));
}

/** The flags that give these settings where there is no config.ts, without those that are the defaults. */
export function flagsFor(values: Config, names: readonly SettingName[] = settingNames): string[] {
  const defaults: Config = recipes[values.recipe ?? 'article'];
  const defaultOf = (name: SettingName): Settings[SettingName] => defaults[name] ?? settings[name].default;
  return flagsOf(
    values,
    names.filter((name) => describeValue(values[name]) !== describeValue(defaultOf(name))),
  );
}
