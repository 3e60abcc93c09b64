import { defaultBackbone, inputSizes } from '../backbones/names.ts';
import {
  type Config,
  type SettingName,
  type Settings,
  type SettingsInForce,
  settingsInForce,
  sizeGiven,
  valuesOf,
} from '../config/index.ts';
import { backboneOf, hasStart } from '../config/pretrained.ts';
import { reason, UsageError, UserError } from '../errors.ts';
import { architectureNames } from '../models/index.ts';
import { fittingOf } from '../models/preprocessing.ts';
import { frozenBy } from '../transfer/freeze.ts';
import { withClasses } from '../transfer/new_head.ts';
import { type NamedStart, readStart, type StartRequest, startFromBackbone } from './read_start.ts';
import { expectedClasses } from './resume.ts';

/** A training that is to begin: its settings, and the trained network that it starts from. */
export interface Settled {
  inForce: SettingsInForce;
  start?: NamedStart | undefined;
}

/** What reading a network needs besides the settings. */
export type SettleOptions = Pick<StartRequest, 'hints' | 'assumed' | 'notice'>;

const isDefault = (from: string) => /^(default$|recipe |pretrained |from )/.test(from);

/** More than any network has: all of them. */
export const allBlocks = 999;

/** @throws {UsageError} for settings of one class per picture with those of several. */
function checkLabels({ multiLabel, labels, unknown, augment, augmentClasses }: SettingsInForce): void {
  if (multiLabel.value === 'on' && unknown.value !== 0)
    throw new UsageError(
      `unknown (${unknown.from}) is for pictures of one class, and with multiLabel (${multiLabel.from}) ` +
        'a picture of none is answered "none"; leave it out.',
    );
  if (labels.value !== 'off' && multiLabel.value === 'off')
    throw new UsageError(`labels (${labels.from}) are for pictures of several classes; add --multi-label.`);
  const isByClass = augment.value === 'online' && Object.keys(augmentClasses.value as object).length > 0;
  if (multiLabel.value === 'on' && isByClass)
    throw new UsageError(
      `augmentClasses (${augmentClasses.from}) chooses operations by a picture's class, and with multiLabel ` +
        `(${multiLabel.from}) a picture can show several; leave it out.`,
    );
}

/** @throws {UsageError} for settings that contradict each other. */
function checkSettings(inForce: SettingsInForce, hints: SettleOptions['hints']): void {
  const { architecture, pretrained, from, fineTune, freeze, channels } = inForce;
  const settings = valuesOf(inForce);
  checkLabels(inForce);
  if (from.value === 'off' && hints && Object.keys(hints).length > 0)
    throw new UsageError('Flags that say how a file is read need --from <file>.');
  if (!hasStart(settings)) {
    const [name, without] =
      settings.fineTune > 0 ? ['fineTune', fineTune] : settings.freeze.length > 0 ? ['freeze', freeze] : [];
    if (!without) return;
    throw new UsageError(
      `${name} (${without.from}) needs a network to start from; add --pretrained or --from.`,
    );
  }
  const start = from.value === 'off' ? (['pretrained', pretrained] as const) : (['from', from] as const);
  if (from.value !== 'off' && pretrained.value !== 'off')
    throw new UsageError(
      `pretrained (${pretrained.from}) and from (${from.from}) name two networks; leave one out.`,
    );
  if (!isDefault(architecture.from))
    throw new UsageError(
      `architecture (${architecture.from}) and ${start[0]} (${start[1].from}) name two networks; leave one out.`,
    );
  if (settings.fineTune > 0 && settings.freeze.length > 0)
    throw new UsageError(
      `fineTune (${fineTune.from}) and freeze (${freeze.from}) both say what learns; leave one out.`,
    );
  const backbone = backboneOf(settings.pretrained);
  if (backbone && channels.value === 1)
    throw new UsageError(`${backbone} reads colour pictures; channels must be 3, not 1 (${channels.from}).`);
}

/** The settings that a network brings: how pictures become its input, and the name of its architecture. */
function settingsOf({ description, preprocessing }: NamedStart): Config {
  const { width, height, channels, architecture } = description;
  const { fit, crop = 1, filter = 'lanczos3' } = fittingOf(preprocessing);
  const named = architectureNames.find((name) => name === architecture);
  return { width, height, channels, fit, crop, filter, ...(named && { architecture: named }) };
}

const channelsText = (channels: number) => (channels === 1 ? '1 (grey)' : '3 (colour)');

/** @throws {UsageError} where the settings want pictures that the network cannot read. */
function checkChannels({ channels }: SettingsInForce, { name, description }: NamedStart): void {
  if (channels.value === description.channels) return;
  throw new UsageError(
    `${name} reads pictures of channels ${channelsText(description.channels)}, not ` +
      `${channelsText(channels.value as number)} (${channels.from}); leave that out.`,
  );
}

/** Says where pictures are brought to the network otherwise than those that it has learned from. */
function noteUnusual(inForce: SettingsInForce, start: NamedStart, notice: (text: string) => void): void {
  const own = settingsOf(start);
  for (const name of ['fit', 'crop', 'filter'] as const)
    if (inForce[name].value !== own[name])
      notice(
        `${start.name} was trained with ${name} ${own[name]}; with ${inForce[name].value} ` +
          `(${inForce[name].from}) it usually knows less.`,
      );
  noteSize(inForce, { name: start.name, width: own.width as number, height: own.height as number }, notice);
}

function noteSize(
  { width, height }: SettingsInForce,
  trained: { name: string; width: number; height: number },
  notice: (text: string) => void,
): void {
  const isSame = width.value === trained.width && height.value === trained.height;
  if (isSame) return;
  const from = width.value === trained.width ? height.from : width.from;
  notice(
    `${trained.name} was trained on pictures of ${trained.width} x ${trained.height}; with ` +
      `${width.value} x ${height.value} (${from}) it usually knows less.`,
  );
}

/**
 * Whether all blocks learn unless a setting says otherwise: where no class is new, the network goes on as it is, and where a head
 * cannot be fitted to features, steps have to.
 */
async function learnsWhole({ inForce, start }: Required<Settled>): Promise<boolean> {
  const settings = valuesOf(inForce);
  const classes = await expectedClasses(settings);
  const { width, height, channels } = settings;
  if (classes.length < 2) return false;
  const kind = settings.multiLabel === 'on' && { isMultiLabel: true as const };
  const sizes = { width, height, channels, classes, ...kind };
  const { description, change } = withClasses(start as NamedStart, sizes);
  checkFrozen(settings, description.layers, change.known.length === 0);
  // A config.ts that holds every setting has the default, too.
  const isChosen = settings.fineTune > 0 || /^(--|BATSUP_)/.test(inForce.fineTune.from);
  if (settings.freeze.length > 0 || isChosen) {
    if (settings.freeze.length === 0 && settings.fineTune === 0 && !change.isLinear)
      throw new UsageError(
        `The head of ${start?.name} cannot be fitted alone, because an activation follows it; ` +
          'leave out --fine-tune 0.',
      );
    return false;
  }
  return change.added.length === 0 || !change.isLinear;
}

/** @throws {UserError} for a name that is no layer's, and for a head that is new and would not learn. */
function checkFrozen({ freeze }: Settings, layers: Parameters<typeof frozenBy>[1], isHeadNew: boolean): void {
  const frozen = frozenBy(freeze, layers);
  const last = layers.at(-1)?.name as string;
  if (isHeadNew && frozen.includes(last))
    throw new UserError(`--freeze names ${last}, which is new and has yet to learn; leave it out.`);
}

async function settleFrom(
  flags: Record<string, unknown>,
  before: SettingsInForce,
  options: SettleOptions,
): Promise<Settled> {
  const { checkpoints, from } = valuesOf(before);
  const start = await readStart(from, { ...options, checkpoints, size: sizeGiven(before) });
  const inForce = await settingsInForce(flags, { start: settingsOf(start) });
  checkChannels(inForce, start);
  noteUnusual(inForce, start, options.notice);
  if (await learnsWhole({ inForce, start }))
    inForce.fineTune = { value: allBlocks, from: `from ${from}` } satisfies SettingsInForce[SettingName];
  return { inForce, start };
}

async function settlePretrained(
  flags: Record<string, unknown>,
  inForce: SettingsInForce,
  notice: (text: string) => void,
): Promise<Settled> {
  const { value, from } = inForce.pretrained;
  const backbone = backboneOf(value as Settings['pretrained']);
  if (backbone === undefined) return { inForce };
  noteSize(inForce, { name: backbone, width: inputSizes[backbone], height: inputSizes[backbone] }, notice);
  try {
    const start = await startFromBackbone(backbone, notice);
    const settled = { inForce: { ...inForce, pretrained: { value: backbone, from } }, start };
    await learnsWhole(settled);
    return settled;
  } catch (error) {
    if (value !== 'auto' || !(error instanceof UserError)) throw error;
    notice(`Training without the pre-trained ${defaultBackbone}: ${reason(error)}`);
    const without = await settingsInForce({ ...flags, pretrained: 'off' });
    return { inForce: { ...without, pretrained: { value: 'off', from } } };
  }
}

/**
 * The settings of a new training, and the trained network that it starts from, if any: a backbone, which is fetched where it is
 * not there yet, or what `--from` names, whose size, channels and fitting become defaults. 'auto' becomes the backbone's name, or
 * 'off', with one line, where it cannot be had.
 * @throws {UsageError} for a wrong setting. @throws {UserError} where a network that is asked for by name cannot be had.
 */
export async function settleStart(flags: Record<string, unknown>, options: SettleOptions): Promise<Settled> {
  const inForce = await settingsInForce(flags);
  checkSettings(inForce, options.hints);
  if (inForce.from.value !== 'off') return settleFrom(flags, inForce, options);
  return settlePretrained(flags, inForce, options.notice);
}
