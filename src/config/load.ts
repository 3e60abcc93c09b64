import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { reason, UsageError } from '../errors.ts';
import { recipes } from './recipes.ts';
import {
  type Config,
  environmentName,
  flagName,
  type SettingName,
  type Settings,
  settingNames,
  settings,
} from './settings.ts';

export interface SettingInForce {
  value: Settings[SettingName];
  /** 'default', 'recipe best', 'config.ts', 'BATSUP_EPOCHS' or '--epochs'. */
  from: string;
}

/**
 * The config.ts (or config.js, config.mjs) of a folder; {} where there is none.
 * It is TypeScript without a build step: its types are stripped as it is loaded.
 * @throws {UsageError} where it cannot be loaded, exports no object or names an unknown setting.
 */
async function loadConfigFile(folder: string): Promise<{ file: string; config: Config }> {
  const file = ['config.ts', 'config.mjs', 'config.js'].find((name) => existsSync(resolve(folder, name)));
  if (!file) return { file: 'config.ts', config: {} };
  let config: unknown;
  try {
    config = await importTypeScript(resolve(folder, file));
  } catch (error) {
    throw new UsageError(`${file} cannot be loaded: ${reason(error).split('\n')[0]}`);
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw new UsageError(`${file} must end with "export default { ... }" holding your settings.`);
  }
  const unknown = Object.keys(config).find((key) => !(key in settings));
  if (unknown) {
    throw new UsageError(`${file}: there is no setting "${unknown}"; there are ${settingNames.join(', ')}.`);
  }
  return { file, config };
}

async function importTypeScript(path: string): Promise<unknown> {
  const { createJiti } = await import('jiti');
  const jiti = createJiti(pathToFileURL(path).href, { fsCache: false, moduleCache: false });
  return jiti.import(path, { default: true });
}

function check(name: SettingName, value: unknown, from: string): Settings[SettingName] {
  const parsed = settings[name].parse(value);
  if (parsed === undefined) {
    throw new UsageError(
      `${from}: ${name} is ${JSON.stringify(value)}; allowed is ${settings[name].allowed}.`,
    );
  }
  return parsed;
}

/**
 * Every setting's value in force and where it comes from: flags before environment before config.ts
 * before the recipe's default before the default.
 * @param flags as commander gives them: { epochs: '8', ... }; those not given are absent.
 * @throws {UsageError} naming the key, the value and what is allowed.
 */
export async function settingsInForce(
  flags: Record<string, unknown>,
  { folder = process.cwd(), environment = process.env } = {},
): Promise<Record<SettingName, SettingInForce>> {
  const { file, config } = await loadConfigFile(folder);
  const find = (name: SettingName, recipe?: keyof typeof recipes): SettingInForce => {
    const sources: [string, unknown][] = [
      [`--${flagName(name)}`, flags[name]],
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
  const recipe = find('recipe').value as keyof typeof recipes;
  return Object.fromEntries(settingNames.map((name) => [name, find(name, recipe)])) as Record<
    SettingName,
    SettingInForce
  >;
}

/** The settings in force. See {@link settingsInForce}. */
export async function readSettings(flags: Record<string, unknown>): Promise<Settings> {
  const inForce = await settingsInForce(flags);
  return Object.fromEntries(settingNames.map((name) => [name, inForce[name].value])) as unknown as Settings;
}
