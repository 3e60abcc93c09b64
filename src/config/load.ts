import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { reason, UsageError } from '../errors.ts';
import { didYouMean } from '../text/did_you_mean.ts';
import { wrongValue } from '../text/wrong_value.ts';
import { recipes } from './recipes.ts';
import {
  type Config,
  environmentName,
  flagName,
  machineSettings,
  type SettingName,
  type Settings,
  settingNames,
  settings,
} from './settings.ts';

export interface SettingInForce {
  value: Settings[SettingName];
  /** 'default', 'recipe best', 'config.ts', 'BATSUP_EPOCHS', '--epochs', or a resumed run's name. */
  from: string;
}

export type SettingsInForce = Record<SettingName, SettingInForce>;

/** What a run was trained with so far, as far as it is known. */
export interface RunSettings {
  /** For messages: its folder. */
  run: string;
  settings: Config;
}

/**
 * The config.ts (or config.js, config.mjs) of a folder; {} where there is none.
 * It is TypeScript without a build step: its types are stripped as it is loaded.
 * @throws {UsageError} where it cannot be loaded, exports no object or names an unknown setting.
 */
async function loadConfigFile(folder: string): Promise<{ file: string; config: Config }> {
  const file = ['config.ts', 'config.mjs', 'config.js'].find((name) => existsSync(resolve(folder, name)));
  if (!file) return { file: 'config.ts', config: {} };
  // Opening a pipe would wait for somebody to write to it.
  if (!statSync(resolve(folder, file)).isFile()) throw new UsageError(`${file} is not a file; rename it.`);
  let config: Config | undefined;
  try {
    config = ownProperties(await importTypeScript(resolve(folder, file)));
  } catch (error) {
    throw new UsageError(`${file} cannot be loaded: ${whyNotLoaded(error)}`);
  }
  if (!config) throw new UsageError(`${file} must end with "export default { ... }" holding your settings.`);
  const unknown = Object.keys(config).find((key) => !Object.hasOwn(settings, key));
  if (unknown !== undefined) {
    const hint = didYouMean(unknown, settingNames) || '; "bat-sup config" lists all settings.';
    throw new UsageError(`${file}: there is no setting ${JSON.stringify(unknown)}${hint}`);
  }
  return { file, config };
}

/** Undefined for anything but a plain object or a module. */
function ownProperties(value: unknown): Config | undefined {
  const kind = Object.prototype.toString.call(value);
  return ['[object Object]', '[object Module]'].includes(kind) ? { ...(value as Config) } : undefined;
}

async function importTypeScript(path: string): Promise<unknown> {
  const { createJiti } = await import('jiti');
  const jiti = createJiti(pathToFileURL(path).href, { fsCache: false, moduleCache: false });
  return jiti.import(path, { default: true });
}

/** jiti says where a syntax error is on the second line; its columns begin at 0. */
function whyNotLoaded(error: unknown): string {
  const [first = '', second = ''] = reason(error).split('\n');
  const [, line, column] = /:(\d+):(\d+)$/.exec(second.trim()) ?? [];
  if (!first.startsWith('ParseError:') || line === undefined) return first;
  const what = first.replace('ParseError:', '').trim().replace(/\.$/, '');
  return `line ${line}, column ${Number(column) + 1}: ${what}`;
}

function check(name: SettingName, value: unknown, from: string): Settings[SettingName] {
  const parsed = settings[name].parse(value);
  if (parsed === undefined) throw wrongValue(name, settings[name].allowed, value, from);
  return parsed;
}

type Recipe = keyof typeof recipes;

/** What another recipe would change in a run; its network stays. */
function changeOfRecipe(name: SettingName, before: Recipe, recipe: Recipe): unknown {
  if (name === 'architecture' || before === recipe) return undefined;
  const isNamed = [recipes[before], recipes[recipe]].some((values) => Object.hasOwn(values, name));
  return isNamed ? (recipes[recipe][name] ?? settings[name].default) : undefined;
}

/**
 * Every setting's value in force and where it comes from. Priority: flag, environment, config.ts, recipe, default. A
 * run that is resumed comes right after the flags: what it was trained with holds, but for machineSettings.
 * @param flags as commander gives them: { epochs: '8', ... }; those not given are absent.
 * @throws {UsageError} naming the setting, what is allowed, and the value.
 */
export async function settingsInForce(
  flags: Record<string, unknown>,
  {
    folder = process.cwd(),
    environment = process.env,
    resumed,
  }: { folder?: string; environment?: NodeJS.ProcessEnv; resumed?: RunSettings | undefined } = {},
): Promise<SettingsInForce> {
  const { file, config } = await loadConfigFile(folder);
  const ofRun = (name: SettingName, recipe: Recipe | undefined): [string, unknown][] => {
    if (!resumed || machineSettings.includes(name)) return [];
    const { run, settings: before } = resumed;
    const isOther = recipe && flags.recipe !== undefined;
    return [
      [`recipe ${recipe}`, isOther ? changeOfRecipe(name, before.recipe ?? 'article', recipe) : undefined],
      [run, before[name]],
    ];
  };
  const find = (name: SettingName, recipe?: Recipe): SettingInForce => {
    const sources: [string, unknown][] = [
      [`--${flagName(name)}`, flags[name]],
      ...ofRun(name, recipe),
      [environmentName(name), environment[environmentName(name)]],
      [file, config[name]],
      [`recipe ${recipe}`, recipe && recipes[recipe][name]],
    ];
    const [from, value] = sources.find(([, given]) => given !== undefined) ?? [
      'default',
      settings[name].default,
    ];
    return { value: check(name, value, from), from };
  };
  const recipe = find('recipe').value as Recipe;
  return Object.fromEntries(settingNames.map((name) => [name, find(name, recipe)])) as SettingsInForce;
}

/** The values alone. */
export function valuesOf(inForce: SettingsInForce): Settings {
  return Object.fromEntries(settingNames.map((name) => [name, inForce[name].value])) as unknown as Settings;
}

/** The settings in force. See {@link settingsInForce}. */
export async function readSettings(flags: Record<string, unknown>): Promise<Settings> {
  return valuesOf(await settingsInForce(flags));
}
