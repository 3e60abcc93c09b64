import type { Command } from 'commander';
import {
  flagsGiven,
  type SettingInForce,
  type SettingName,
  type SettingsInForce,
  settingNames,
  settingOptions,
  settingsInForce,
  valuesOf,
} from '../config/index.ts';
import { isHeadOnly } from '../config/pretrained.ts';
import { UsageError } from '../errors.ts';
import type { Network } from '../formats/format.ts';
import { batSup } from '../system/command.ts';
import { keepFoldersApart } from '../system/keep_apart.ts';
import type { LearningRateSearch } from '../training/find_learning_rate.ts';
import type { StartHints } from '../training/read_start.ts';
import { type Settled, settleStart } from '../training/settle_start.ts';
import { addExamples } from './examples.ts';
import { type HintFlags, hintOptions, hintsGiven, printAssumed, readHints } from './import_hints.ts';
import { noticeText } from './notice.ts';
import { type ProgressBar, progressBar } from './progress.ts';
import { resizeWhereStale } from './resize.ts';
import { abortOnSignals } from './signals.ts';
import { sparkline } from './sparkline.ts';
import { wholeNumber } from './whole_number.ts';

/** Width of the curve, in characters. */
const width = 60;
/** The drawn curve is cut at this multiple of the first loss: it shows how the loss falls, not how high it rises. */
const highestShown = 1.2;

/** Settings that the search does not use or chooses itself. */
const unused: SettingName[] = [
  'augmentTarget',
  'learningRate',
  'learningRateSchedule',
  'warmup',
  'epochs',
  'pretrained',
];

interface LrFindOptions extends HintFlags, Record<string, unknown> {
  steps: string;
  json?: boolean;
}

export function addLrFind(program: Command): void {
  const command = program
    .command('lr-find')
    .description('suggest a learning rate: train some steps with ever larger ones; nothing is saved')
    .option('--steps <n>', 'steps from the smallest learning rate to the largest', '300')
    .option('--json', 'print the suggestion and the curve as JSON');
  hintOptions(command);
  const names = settingNames.filter((name) => !unused.includes(name));
  settingOptions(command, names).action(runSearch);
  addExamples(command, [
    ['bat-sup lr-find', 'suggests a learning rate for these pictures'],
    ['bat-sup lr-find --recipe best --steps 100', 'for the other recipe, in less time'],
  ]);
}

/** The settings, and the network that `--from` gives; one that is named needs no learning rate, since only its head learns. */
async function settle(flags: LrFindOptions, hints: StartHints): Promise<Settled> {
  const { pretrained, from } = await settingsInForce(flags);
  const notice = (text: string) => console.error(noticeText(text));
  const saysWhatLearns = flags.fineTune !== undefined || flags.freeze !== undefined;
  if (from.value === 'off' && !saysWhatLearns && Object.keys(hints).length === 0)
    return { inForce: await settingsFromNothing(flags, pretrained) };
  const assumed = (network: Network) => printAssumed(network, flags);
  const settled = await settleStart(flags, { hints, assumed, notice });
  if (isHeadOnly(valuesOf(settled.inForce)))
    throw new UsageError(
      'The head is fitted exactly, without a learning rate; add --fine-tune or --freeze to train more.',
    );
  return settled;
}

async function settingsFromNothing(
  flags: Record<string, unknown>,
  pretrained: SettingInForce,
): Promise<SettingsInForce> {
  if (pretrained.value !== 'off' && !pretrained.from.startsWith('recipe '))
    console.error(
      noticeText(
        `pretrained (${pretrained.from}) is left out: lr-find tests networks that start from nothing.`,
      ),
    );
  const inForce = await settingsInForce({ ...flags, pretrained: 'off' });
  const [fineTune, freeze] = [0, []].map((value) => ({ value, from: 'default' })) as [
    SettingInForce,
    SettingInForce,
  ];
  return { ...inForce, fineTune, freeze };
}

async function runSearch(options: LrFindOptions): Promise<void> {
  const steps = wholeNumber('--steps', options.steps, 10, 10_000);
  const { inForce, start } = await settle(options, readHints(options));
  const settings = valuesOf(inForce);
  await keepFoldersApart(settings);
  const signal = abortOnSignals();
  if (!(await resizeWhereStale(settings, signal))) return;
  const { startEngine } = await import('../engine/index.ts');
  const { findLearningRate } = await import('../training/find_learning_rate.ts');
  const engine = await startEngine(settings.engine, settings);
  console.error(`Engine: ${engine.description}`);
  let bar: ProgressBar | undefined;
  const onProgress = (done: number, total: number) => {
    bar ??= progressBar('Trying', total);
    bar.update(done);
  };
  const notice = (text: string) => console.error(noticeText(text));
  try {
    const search = await findLearningRate({ settings, start, steps, signal, onProgress, events: { notice } });
    bar?.stop();
    const command = trainCommand(search, inForce, hintsGiven(options));
    console.log(
      options.json ? JSON.stringify({ ...search, command: `bat-sup ${command}` }) : describe(search, command),
    );
  } finally {
    bar?.stop();
    await engine.dispose();
  }
}

function rateText(rate: number): string {
  return String(Number(rate.toPrecision(2)));
}

/** The command that trains with the suggestion and the settings of the search. */
function trainCommand({ suggestion }: LearningRateSearch, inForce: SettingsInForce, hints: string[]): string {
  const measured = flagsGiven(
    inForce,
    settingNames.filter((name) => !unused.includes(name)),
  );
  return ['train', ...measured, ...hints, `--learning-rate ${rateText(suggestion)}`].join(' ');
}

function describe({ lowest, steps, diverged }: LearningRateSearch, command: string): string {
  const first = steps[0]?.smoothedLoss ?? 0;
  const drawn = steps.map(({ smoothedLoss }) => Math.min(smoothedLoss, highestShown * first));
  const [from, to] = [steps[0], steps.at(-1)].map((step) => rateText(step?.learningRate ?? 0)) as [
    string,
    string,
  ];
  const curve = sparkline(drawn, width);
  return [
    'Loss by learning rate:',
    curve,
    `${from.padEnd(Math.max(curve.length - to.length, from.length + 1))}${to}${diverged ? ' (where it diverged)' : ''}`,
    `Lowest loss: ${lowest.smoothedLoss.toFixed(4)} at ${rateText(lowest.learningRate)}; the first was ${first.toFixed(4)}`,
    `Suggested, a tenth of that rate: ${batSup(command)}`,
  ].join('\n');
}
