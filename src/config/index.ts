export { readSettings, settingsInForce } from './load.ts';
export { describeValue, settingOptions } from './options.ts';
export { type Config, type SettingName, type Settings, settingNames } from './settings.ts';
