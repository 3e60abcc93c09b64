import { ensureBackbone } from '../backbones/index.ts';
import { defaultBackbone, inputSizes } from '../backbones/names.ts';
import { type Settings, type SettingsInForce, settingsInForce } from '../config/index.ts';
import { backboneOf } from '../config/pretrained.ts';
import { reason, UsageError, UserError } from '../errors.ts';

const isDefault = (from: string) => /^(default$|recipe |pretrained )/.test(from);

/** @throws {UsageError} for settings that contradict each other. */
function checkSettings({ architecture, pretrained, fineTune, channels }: SettingsInForce): void {
  const backbone = backboneOf(pretrained.value as Settings['pretrained']);
  if (backbone === undefined) {
    if (fineTune.value === 0) return;
    throw new UsageError(`fineTune (${fineTune.from}) needs a pre-trained network; add --pretrained.`);
  }
  if (!isDefault(architecture.from))
    throw new UsageError(
      `architecture (${architecture.from}) and pretrained (${pretrained.from}) name two networks; leave one out.`,
    );
  if (channels.value === 1)
    throw new UsageError(`${backbone} reads colour pictures; channels must be 3, not 1 (${channels.from}).`);
}

/** Says what the user may not expect of a backbone. */
function noteUnusual({ width, height, pretrained }: SettingsInForce, notice: (text: string) => void): void {
  const backbone = backboneOf(pretrained.value as Settings['pretrained']);
  if (backbone === undefined) return;
  const size = inputSizes[backbone];
  const other = [width, height].find(({ value }) => value !== size);
  if (other)
    notice(
      `${backbone} was trained on pictures of ${size} x ${size}; with ${width.value} x ${height.value} ` +
        `(${other.from}) it usually knows less.`,
    );
}

/**
 * The settings of a new training, whose backbone is in the cache: it is fetched where it is not there yet. 'auto' becomes
 * the backbone's name, or 'off', with one line, where it cannot be had.
 * @throws {UsageError} for a wrong setting. @throws {UserError} where a backbone that is asked for by name cannot be had.
 */
export async function settleBackbone(
  flags: Record<string, unknown>,
  notice: (text: string) => void,
): Promise<SettingsInForce> {
  const inForce = await settingsInForce(flags);
  checkSettings(inForce);
  const { value, from } = inForce.pretrained;
  const backbone = backboneOf(value as Settings['pretrained']);
  if (backbone === undefined) return inForce;
  noteUnusual(inForce, notice);
  try {
    await ensureBackbone(backbone, notice);
    return { ...inForce, pretrained: { value: backbone, from } };
  } catch (error) {
    if (value !== 'auto' || !(error instanceof UserError)) throw error;
    notice(`Training without the pre-trained ${defaultBackbone}: ${reason(error)}`);
    const without = await settingsInForce({ ...flags, pretrained: 'off' });
    return { ...without, pretrained: { value: 'off', from } };
  }
}
