import { sparkline } from './sparkline.ts';

/** What the live view of a training shows. */
export interface TrainingState {
  /** Completed epochs, and how many there will be. */
  epoch: number;
  epochs: number;
  /** Completed steps of the current epoch, and how many it has. */
  batch: number;
  stepsPerEpoch: number;
  /** Completed steps since the first epoch. */
  step: number;
  /** Pictures per second. */
  rate?: number | undefined;
  /** Includes validation and saving. */
  secondsPerStep?: number | undefined;
  /** The mean of the current epoch so far, and the curve with one value per step. */
  loss: Curve;
  accuracy: Curve;
  /** The value of the last epoch, and the curve with one value per epoch. Empty without validation. */
  validationLoss: Curve;
  validationAccuracy: Curve;
  best?: { epoch: number; validationAccuracy: number } | undefined;
}

export interface Curve {
  now: number | undefined;
  values: number[];
}

/**
 * Characters per line, however wide the terminal is: lines that are short enough are not rewrapped when a terminal is
 * made narrower, and terminals differ in where rewrapping leaves the cursor.
 */
const width = 39;
const labelWidth = 10;
const numberWidth = 8;
/** Terminals with fewer rows get one line. */
const minRows = 10;
const blue = 34;
const yellow = 33;

/** 65 -> '1:05', 3665 -> '1:01:05', 864000 -> '10 d' */
function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours >= 100) return `${Math.round(hours / 24)} d`;
  const rest = String(whole % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}

function bar({ epoch, epochs, batch, stepsPerEpoch }: TrainingState, room: number): string {
  const label = `Epoch ${epoch + 1}/${epochs} `;
  const share = batch / stepsPerEpoch;
  const percent = ` ${String(Math.floor(share * 100)).padStart(3)} %`;
  const length = Math.max(0, room - label.length - percent.length);
  const full = Math.round(share * length);
  return label + '█'.repeat(full) + '░'.repeat(length - full) + percent;
}

function timeLeft({ secondsPerStep, epoch, epochs, batch, stepsPerEpoch }: TrainingState): string {
  const timeFor = (steps: number) => (secondsPerStep === undefined ? '-' : duration(steps * secondsPerStep));
  const all = (epochs - epoch) * stepsPerEpoch - batch;
  return `left: epoch ${timeFor(stepsPerEpoch - batch)}, training ${timeFor(all)}`.slice(0, width);
}

/**
 * The lines of the view, or only the progress bar where the terminal is too small.
 * @param colours whether to colour the curves with escape codes.
 */
export function trainingView(
  state: TrainingState,
  { columns, rows }: { columns: number; rows: number },
  colours: boolean,
): string[] {
  if (columns <= width || rows < minRows)
    return rows > 2 ? [bar(state, Math.min(width, columns - 1)).slice(0, columns - 1)] : [];
  const curve = (label: string, { now, values }: Curve, colour: number): string[] => {
    if (now === undefined) return [];
    const figure = `${label.padEnd(labelWidth)}${now.toFixed(4).padStart(numberWidth)} `;
    const line = sparkline(values, width - figure.length);
    const painted = colours ? `\x1b[${colour}m${line}\x1b[39m` : line;
    return [figure + painted];
  };
  const { best, step, rate } = state;
  const lines = [
    `step ${step}  ${rate === undefined ? '-' : rate.toFixed(0)} img/s`,
    timeLeft(state),
    ...curve('loss', state.loss, blue),
    ...curve('validation', state.validationLoss, yellow),
    ...curve('accuracy', state.accuracy, blue),
    ...curve('validation', state.validationAccuracy, yellow),
    ...(best ? [`${'best'.padEnd(labelWidth)}${bestOf(best)}`] : []),
  ];
  return [bar(state, width), ...lines];
}

function bestOf({ validationAccuracy, epoch }: NonNullable<TrainingState['best']>): string {
  return `${validationAccuracy.toFixed(4).padStart(numberWidth)} in epoch ${epoch}`;
}
