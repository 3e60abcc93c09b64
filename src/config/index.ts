export {
  type RunSettings,
  readSettings,
  type SettingInForce,
  type SettingsInForce,
  settingsInForce,
  sizeGiven,
  valuesOf,
} from './load.ts';
export { describeValue, flagsFor, flagsGiven, flagsOf, settingOptions } from './options.ts';
export {
  type Config,
  defaults,
  machineSettings,
  type SettingName,
  type Settings,
  settingNames,
} from './settings.ts';
