export { readSettings, settingsInForce } from './load.ts';
export { settingOptions } from './options.ts';
export { type Config, type SettingName, type Settings, settingNames } from './settings.ts';
