import { wrap } from '../text/format.ts';
import { startDefaults } from './pretrained.ts';
import { recipes } from './recipes.ts';
import { type Setting, type SettingName, settingNames, settings } from './settings.ts';

/** Each section of config.ts begins with one of these settings. */
const sections: Partial<Record<SettingName, string>> = {
  rawData: 'Folders',
  width: 'Pictures',
  augment: 'Augmentation',
  recipe: 'Training',
  keepCheckpoints: 'Checkpoints',
  engine: 'Machine',
};

const head = `import type { Config } from 'bat-sup';

/**
 * Your settings, each with its default. A flag (--epochs 8) or an environment variable (BATSUP_EPOCHS=8) has priority
 * over a line here; "bat-sup config" prints the values in force. Lines that are commented out are those to which
 * recipe: 'best' or a network to start from gives other defaults.
 */
export default {
`;

/** As TypeScript, with single quotes. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  return JSON.stringify(value).replaceAll('"', "'");
}

/** What follows from the network to start from: how pictures become its input, and whether all of it learns. */
const ofStart: SettingName[] = ['channels', 'fit', 'crop', 'filter', 'fineTune'];

/** Such a setting is commented out: a line in force would win over the recipe or the network to start from. */
function hasOtherDefaults(name: SettingName): boolean {
  const others = [...Object.values(recipes), startDefaults({ pretrained: 'auto' })];
  return ofStart.includes(name) || others.some((values) => Object.hasOwn(values, name));
}

/** What a setting means and what it may be, in sentences. */
function commentOf(name: SettingName): string {
  const { description, allowed, choices, placeholder, default: value }: Setting<unknown> = settings[name];
  const startsWithChoice = choices?.some((choice) => description.startsWith(`${choice}:`));
  const meaning = startsWithChoice ? description : capitalised(description);
  if (placeholder === 'folder') return `${meaning}.`;
  const values = choices && typeof value === 'string' ? `one of ${choices.map(literal).join(', ')}` : allowed;
  return `${meaning}. ${capitalised(values)}.`;
}

const capitalised = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

function linesOf(name: SettingName): string[] {
  const section = sections[name];
  return [
    ...(section ? ['', `  // ${section}`, ''] : []),
    wrap(`  // ${commentOf(name)}`, { width: 110, indent: '  // ' }),
    `  ${hasOtherDefaults(name) ? '// ' : ''}${name}: ${literal(settings[name].default)},`,
  ];
}

/** A config.ts with every setting: what it means, what it may be, and its default. */
export function configFile(): string {
  const lines = settingNames.flatMap(linesOf).join('\n').trimStart();
  return `${head}  ${lines}\n} satisfies Config;\n`;
}
