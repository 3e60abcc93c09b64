import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { reason, UsageError } from '../errors.ts';
import { didYouMean } from '../text/did_you_mean.ts';
import { wrongValue } from '../text/wrong_value.ts';
import { backboneOf, startDefaults } from './pretrained.ts';
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

/** A setting's value and its origin. */
export interface SettingInForce {
  value: Settings[SettingName];
  /** 'default', 'recipe best', 'config.ts', 'BATSUP_EPOCHS', '--epochs', or a resumed run's name. */
  from: string;
}

export type SettingsInForce = Record<SettingName, SettingInForce>;

/** The settings that a run was trained with so far, as far as they are known. */
export interface RunSettings {
  /** Its folder, for messages. */
  run: string;
  settings: Config;
}

/**
 * The config.ts (or config.js, config.mjs) of a folder; {} where there is none.
 * It needs no build step: its types are stripped when it is loaded.
 * @throws {UsageError} where it cannot be loaded, does not export an object, or names an unknown setting.
 */
async function loadConfigFile(folder: string): Promise<{ file: string; config: Config }> {
  const file = ['config.ts', 'config.mjs', 'config.js'].find((name) => existsSync(resolve(folder, name)));
  if (!file) return { file: 'config.ts', config: {} };
  // Opening a pipe would block until somebody writes to it.
  if (!statSync(resolve(folder, file)).isFile()) throw new UsageError(`${file} is not a file; rename it.`);
  let config: Config | undefined;
  try {
    config = ownProperties(await importTypeScript(resolve(folder, file)));
  } catch (error) {
    throw new UsageError(`${file} cannot be loaded: ${whyNotLoaded(error)}`);
  }
  if (!config)
    throw new UsageError(`${file} must end with "export default { ... }" that holds your settings.`);
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

/** jiti puts the position of a syntax error on the second line and counts columns from 0. */
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

/** What the defaults depend on. */
interface Base {
  recipe: Recipe;
  pretrained?: Settings['pretrained'];
  from?: Settings['from'];
}

/**
 * Where the network is set that rules out the backbone of a recipe: another one to start from, an architecture, a size, or grey
 * pictures; undefined where none is.
 */
function whereOwnNetwork(find: (name: SettingName) => SettingInForce): string | undefined {
  const isOwn = ({ from }: SettingInForce) => !/^(default$|recipe )/.test(from);
  const own = (['architecture', 'width', 'height'] as const).map(find).find(isOwn);
  const [start, channels] = [find('from'), find('channels')];
  if (start.value !== 'off') return start.from;
  return own?.from ?? (channels.value === 1 ? channels.from : undefined);
}

type Find = (name: SettingName, base?: Partial<Base>) => SettingInForce;

function findPretrained(find: Find, recipe: Recipe): SettingInForce {
  const found = find('pretrained', { recipe });
  const own = found.from.startsWith('recipe ')
    ? whereOwnNetwork((name) => find(name, { recipe }))
    : undefined;
  return own === undefined ? found : { value: 'off', from: own };
}

/** The value that a change of recipe gives a resumed run; undefined where it changes nothing. The network stays. */
function changeOfRecipe(name: SettingName, before: Recipe, recipe: Recipe): unknown {
  if (name === 'architecture' || name === 'pretrained' || before === recipe) return undefined;
  const isNamed = [recipes[before], recipes[recipe]].some((values) => Object.hasOwn(values, name));
  return isNamed ? (recipes[recipe][name] ?? settings[name].default) : undefined;
}

/**
 * The value of every setting and where it comes from. Priority: flag, environment, config.ts, network to start from, recipe,
 * default. The settings of a resumed run come right after the flags, except for `machineSettings`.
 * @param flags as commander parses them: { epochs: '8', ... }; flags that were not given are absent.
 * @param options.folder where config.ts is looked for. Default: the working directory.
 * @param options.environment holds BATSUP_EPOCHS and so on. Default: process.env.
 * @param options.resumed the run to resume. Default: none.
 * @param options.start the settings that the network to start from brings: its size, channels and so on. Default: none.
 * @throws {UsageError} for a value that is not allowed (it names the setting, what is allowed, and the value), an unknown
 * setting, or a config.ts that cannot be loaded.
 * @example
 * ```ts
 * import { settingsInForce } from 'bat-sup';
 *
 * const { epochs } = await settingsInForce({ epochs: '8' });
 * console.log(epochs.value, epochs.from); // 8 --epochs
 * ```
 */
export async function settingsInForce(
  flags: Record<string, unknown>,
  {
    folder = process.cwd(),
    environment = process.env,
    resumed,
    start = {},
  }: {
    folder?: string;
    environment?: NodeJS.ProcessEnv;
    resumed?: RunSettings | undefined;
    start?: Config;
  } = {},
): Promise<SettingsInForce> {
  const { file, config } = await loadConfigFile(folder);
  const ofRun = (name: SettingName, { recipe }: Partial<Base>): [string, unknown][] => {
    if (!resumed || machineSettings.includes(name)) return [];
    const { run, settings: known } = resumed;
    // The network stays: a recipe cannot bring a backbone to a run that has none.
    const before: Config = { pretrained: 'off', from: 'off', ...known };
    const isOther = recipe && flags.recipe !== undefined;
    return [
      [`recipe ${recipe}`, isOther ? changeOfRecipe(name, before.recipe ?? 'article', recipe) : undefined],
      [run, before[name]],
    ];
  };
  const find: Find = (name, base = {}) => {
    const { recipe, pretrained, from: path = 'off' } = base;
    const label = path === 'off' ? `pretrained ${backboneOf(pretrained)}` : `from ${path}`;
    const sources: [string, unknown][] = [
      [`--${flagName(name)}`, flags[name]],
      ...ofRun(name, base),
      [environmentName(name), environment[environmentName(name)]],
      [file, config[name]],
      [label, start[name] ?? startDefaults({ pretrained, from: path })[name]],
      [`recipe ${recipe}`, recipe && recipes[recipe][name]],
    ];
    const [origin, value] = sources.find(([, given]) => given !== undefined) ?? [
      'default',
      settings[name].default,
    ];
    return { value: check(name, value, origin), from: origin };
  };
  const recipe = find('recipe').value as Recipe;
  const pretrained = findPretrained(find, recipe);
  const from = find('from').value as Settings['from'];
  const base = { recipe, pretrained: pretrained.value as Settings['pretrained'], from };
  const found = Object.fromEntries(settingNames.map((name) => [name, find(name, base)])) as SettingsInForce;
  return { ...found, pretrained };
}

/** The settings without where they come from. */
export function valuesOf(inForce: SettingsInForce): Settings {
  return Object.fromEntries(settingNames.map((name) => [name, inForce[name].value])) as unknown as Settings;
}

/** Width and height of the pictures, as far as something says them. */
export function sizeGiven({ width, height }: SettingsInForce): { width?: number; height?: number } {
  const given = ({ value, from }: SettingInForce) => (from === 'default' ? undefined : (value as number));
  const [wide, high] = [given(width), given(height)];
  return { ...(wide !== undefined && { width: wide }), ...(high !== undefined && { height: high }) };
}

/**
 * The value of every setting: what {@link settingsInForce} finds, without where it comes from.
 * @param flags as commander parses them: { epochs: '8', ... }; pass {} for none.
 * @throws {UsageError} for a value that is not allowed, an unknown setting, or a config.ts that cannot be loaded.
 * @example
 * ```ts
 * import { readSettings } from 'bat-sup';
 *
 * const settings = await readSettings({ width: 64, recipe: 'best' });
 * console.log(settings.width, settings.architecture); // 64 auto
 * ```
 */
export async function readSettings(flags: Record<string, unknown>): Promise<Settings> {
  return valuesOf(await settingsInForce(flags));
}
