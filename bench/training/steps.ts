/** Training steps of several contestants, each in a process of its own, taken in turns. */
import type { Model } from '../../src/models/model.ts';
import { Adam } from '../../src/training/adam.ts';
import { trainStep } from '../../src/training/step.ts';
import { type Conversation, converse } from '../measure/conversation.ts';
import { alternate } from '../measure/rounds.ts';
import { peakMebibytes, timed } from '../measure/spent.ts';
import { median, round } from '../measure/statistics.ts';

export const learningRate = 1e-5;
/** Steps whose losses are compared. */
export const checkedSteps = 3;
const lossTolerance = { float32: 1e-3, bf16: 0.1 };

interface Description {
  description: string;
  losses: number[];
}

/** What some steps took, all together. */
interface Steps {
  milliseconds: number;
  cpuMilliseconds: number;
  peakMebibytes: number;
}

export interface Contestant extends Conversation<Description, Steps> {
  name: string;
  batch: number;
}

/** Our side of the conversation: the losses of the first steps, then as many steps as each line asks for. */
export async function converseAboutSteps(description: string, model: Model, batch: number): Promise<void> {
  const { width, height, channels, classes } = model.description;
  const adam = new Adam(model.variables);
  const pixels = Uint8Array.from({ length: batch * height * width * channels }, (_, i) => (i * 7919) % 251);
  const labels = Array.from({ length: batch }, (_, row) => row % classes.length);
  let step = 0;
  const take = (count: number): number[] => {
    const losses: number[] = [];
    let read: (() => { loss: number }) | undefined;
    // Like training: a step's loss is read while the next one computes.
    for (let i = 0; i < count; i++) {
      const next = trainStep(model, adam, { pixels, labels }, { step: ++step, learningRate });
      if (read) losses.push(read().loss);
      read = next;
    }
    if (read) losses.push(read().loss);
    return losses;
  };
  const losses = take(checkedSteps);
  await converse({ description, losses }, async (count) => {
    const { wall, cpu } = await timed(() => take(Number(count)));
    return { milliseconds: wall, cpuMilliseconds: cpu, peakMebibytes: peakMebibytes() };
  });
}

/**
 * Large losses may differ by more: Adam's first step is as long for a gradient of rounding errors as for a large one.
 * @throws {Error} where the losses of the first steps differ: they would not compute the same.
 */
function checkLosses([first, ...others]: Contestant[], tolerance: number): void {
  for (const { name, description } of others)
    for (const [step, loss] of description.losses.entries())
      if (!(Math.abs(loss - (first?.description.losses[step] as number)) < tolerance * Math.max(1, loss)))
        throw new Error(
          `The losses differ: ${first?.description.losses} (${first?.name}), ${description.losses} (${name}).`,
        );
}

export interface StepsOptions {
  rounds: number;
  /** Seconds that a contestant's steps take in each round. */
  secondsPerRound?: number;
  precision?: 'float32' | 'bf16' | undefined;
}

/** Lets the contestants take steps in turns, and ends them. @returns the rows of a table. */
export async function compareSteps(contestants: Contestant[], options: StepsOptions): Promise<Row[]> {
  const { rounds, secondsPerRound = 3, precision = 'float32' } = options;
  checkLosses(contestants, lossTolerance[precision]);
  const counts = new Map<Contestant, number>();
  const results = await alternate(contestants, rounds, async (one, number) => {
    const count = number === 0 ? 2 : (counts.get(one) as number);
    const steps = await one.ask(count);
    if (number === 0)
      counts.set(one, Math.max(2, Math.round((secondsPerRound * 1000 * count) / steps.milliseconds)));
    return perStep(steps, count);
  });
  for (const one of contestants) one.stop();
  return rowsOf(results);
}

function perStep({ milliseconds, cpuMilliseconds, peakMebibytes }: Steps, count: number): Steps {
  return { milliseconds: milliseconds / count, cpuMilliseconds: cpuMilliseconds / count, peakMebibytes };
}

export type Row = ReturnType<typeof rowsOf>[number];

function rowsOf(results: Map<Contestant, Steps[]>) {
  const medians = [...results.values()].map((rounds) =>
    median(rounds.map(({ milliseconds }) => milliseconds)),
  );
  return [...results].map(([{ name, batch, description }, rounds], index) => {
    const walls = rounds.map(({ milliseconds }) => milliseconds);
    const typical = medians[index] as number;
    return {
      name,
      description: description.description,
      batch,
      loss: round(description.losses.at(-1) as number, 5),
      'img/s': round((1000 * batch) / typical, 1),
      'ms/img': round(typical / batch, 2),
      min: round(Math.min(...walls) / batch, 2),
      max: round(Math.max(...walls) / batch, 2),
      'cpu ms/img': round(median(rounds.map(({ cpuMilliseconds }) => cpuMilliseconds)) / batch, 2),
      'x first': round((medians[0] as number) / typical, 2),
      'peak MiB': Math.round(Math.max(...rounds.map(({ peakMebibytes }) => peakMebibytes))),
    };
  });
}
