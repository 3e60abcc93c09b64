import { type Command, Option } from 'commander';
import type { Assumed } from '../formats/format.ts';
import { formats, type Network } from '../formats/index.ts';
import { describeNormalisation } from '../models/preprocessing.ts';
import { quoteForShell } from '../text/quote.ts';
import { wrongValue } from '../text/wrong_value.ts';
import type { StartHints } from '../training/read_start.ts';
import { notice } from './notice.ts';

/** Flags that say how another program's file is read. */
export interface HintFlags {
  format?: string;
  classes?: string;
  order?: 'rgb' | 'bgr';
  scale?: string;
  mean?: string;
  deviation?: string;
  network?: string;
}

export const hintNames = ['format', 'classes', 'order', 'scale', 'mean', 'deviation', 'network'] as const;

/** Adds the flags that say what another program's file leaves open. */
export function hintOptions(command: Command): Command {
  const names = Object.keys(formats).filter((name) => formats[name]?.import);
  return command
    .addOption(
      new Option('--format <name>', 'format of the file (default: recognised by its content)').choices(names),
    )
    .option('--classes <names>', 'names of its classes in the order of its outputs: bat,sup')
    .addOption(
      new Option('--order <name>', 'order of the colour channels that it was trained on').choices([
        'rgb',
        'bgr',
      ]),
    )
    .option('--scale <n>', 'factor from pixels, 0..255, to its inputs: 1, or 0.00392157 for 0..1')
    .option(
      '--mean <numbers>',
      'subtracted then, one number per channel, in the order of --order: 0.485,0.456,0.406',
    )
    .option(
      '--deviation <numbers>',
      'divides then, one number per channel, in the same order: 0.229,0.224,0.225',
    )
    .option(
      '--network <name>',
      'torchvision’s or timm’s name of it, where a state_dict fits several: tf_efficientnet_lite0',
    );
}

function readScale(scale: string | undefined): number | undefined {
  if (scale === undefined) return undefined;
  const value = Number(scale);
  if (Number.isFinite(value) && value > 0) return value;
  throw wrongValue('--scale', 'a number above 0', scale);
}

/** A number per channel, or one for all of them. */
function readNumbers(option: '--mean' | '--deviation', text: string | undefined): number[] | undefined {
  if (text === undefined) return undefined;
  const values = text.split(',').map((value) => (value.trim() === '' ? Number.NaN : Number(value)));
  const isRight = (value: number) => Number.isFinite(value) && (option === '--mean' || value !== 0);
  if ([1, 3].includes(values.length) && values.every(isRight)) return values;
  const what = option === '--mean' ? 'numbers' : 'numbers other than 0';
  throw wrongValue(option, `1 or 3 ${what} separated by commas`, text);
}

function readClasses(classes: string | undefined): string[] | undefined {
  const names = classes?.split(',').map((name) => name.trim());
  if (!names?.includes('')) return names;
  throw wrongValue('--classes', 'names separated by commas', classes);
}

/** What the flags say; {} where none is given. @throws {UsageError} for a wrong value. */
export function readHints({ format, classes: names, order, network, ...numbers }: HintFlags): StartHints {
  const scale = readScale(numbers.scale);
  const mean = readNumbers('--mean', numbers.mean);
  const deviation = readNumbers('--deviation', numbers.deviation);
  const classes = readClasses(names);
  const preprocessing = {
    ...(order && { order }),
    ...(scale !== undefined && { scale }),
    ...(mean && { mean }),
    ...(deviation && { deviation }),
  };
  return {
    ...(format !== undefined && { format }),
    ...(classes && { classes }),
    ...(network !== undefined && { name: network }),
    ...(Object.keys(preprocessing).length > 0 && { preprocessing }),
  };
}

/** The flags as they were typed, quoted for the shell: ['--order bgr', ...]. */
export function hintsGiven(flags: HintFlags): string[] {
  return hintNames.flatMap((name) => {
    const value = flags[name];
    return value === undefined ? [] : [`--${name} ${quoteForShell(value)}`];
  });
}

/** How to say what the file does not specify. */
const assumptions: Record<Assumed, (network: Network) => string> = {
  size: ({ model: { width, height } }) =>
    `The file does not say the picture size; ${width} x ${height} is assumed.\n` +
    '  Set it with --width and --height.',
  scale: ({ preprocessing: { scale } }) =>
    scale === 1
      ? 'The file does not say how pixels are scaled; 0..255 is assumed.\n' +
        '  If it was trained on 0..1, give --scale 0.00392157.'
      : 'The file does not say how pixels are scaled; 0..1 is assumed.\n' +
        '  If it was trained on 0..255, give --scale 1.',
  preparation: ({ preprocessing }) =>
    `The file does not say how pictures are prepared; what is usual is assumed: RGB, pixels ${describeNormalisation(preprocessing)}, ` +
    `fit ${preprocessing.fit}, crop ${Number((preprocessing.crop ?? 1).toFixed(4))}, filter ${preprocessing.filter}.\n` +
    '  Set it with --scale, --mean, --deviation, --order, --fit, --crop and --filter.',
  order: ({ preprocessing: { order = 'rgb' } }) =>
    `The file does not say the order of the colour channels; ${order.toUpperCase()} is assumed.\n` +
    `  If it was trained on ${order === 'rgb' ? 'BGR' : 'RGB'}, give --order ${order === 'rgb' ? 'bgr' : 'rgb'}.`,
};

/** Prints what was chosen in a file, and what it does not say. @param flags in which --width and --height say the size. */
export function printAssumed(network: Network, flags: Record<string, unknown>): void {
  const isSizeGiven = flags.width !== undefined && flags.height !== undefined;
  for (const note of network.notes ?? []) notice(note);
  for (const what of network.assumed ?? [])
    if (what !== 'size' || !isSizeGiven) notice(assumptions[what](network));
}
