import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import seedrandom from 'seedrandom';
import { openDrawings } from '../../demo/designers.ts';
import { photograph } from '../../demo/pictures.ts';
import { type Drawing, splitDrawings } from '../../demo/split.ts';
import { shuffle } from '../../src/dataset/shuffle.ts';
import { decodePicture } from '../../src/images/decode.ts';
import { createModel, type Model, type ModelDescription } from '../../src/models/model.ts';
import { Adam } from '../../src/training/adam.ts';
import { trainStep } from '../../src/training/step.ts';

const split = splitDrawings('1');

/** The demo's drawings of animals and food: for training, and by a designer who is never shown. */
export const drawings = { training: split.rawdata, heldOut: [...split.seen, ...split.unseen] };

/** Photograph number `shot` of a drawing: JPEG, 140 to 280 pixels a side. */
function photographOf({ concept, designer }: Drawing, shot: number): Promise<Buffer> {
  return photograph(openDrawings(designer)(concept), seedrandom(`${concept}/${designer}/${shot}`));
}

/** Writes `count` photographs, half of them of each class, as <folder>/<class>/*.jpg. */
export async function writePhotographs(folder: string, count: number): Promise<void> {
  for (const className of ['animals', 'food']) {
    mkdirSync(join(folder, className), { recursive: true });
    const ofClass = drawings.training.filter((drawing) => drawing.className === className);
    for (let i = 0; i < count / 2; i++) {
      const drawing = ofClass[i % ofClass.length] as Drawing;
      const shot = Math.floor(i / ofClass.length);
      const file = join(folder, className, `${drawing.concept}-${drawing.designer}-${shot}.jpg`);
      writeFileSync(file, await photographOf(drawing, shot));
    }
  }
}

/** The article's network for these drawings. */
export const description: ModelDescription = {
  architecture: 'article',
  width: 100,
  height: 100,
  channels: 3,
  classes: ['animals', 'food'],
};

/** uint8 [100, 100, 3], and the index of its class. */
export interface Example {
  pixels: Uint8Array;
  label: number;
}

/** Each drawing photographed `shots` times. */
export async function examplesOf(list: Drawing[], shots: number): Promise<Example[]> {
  const size = { width: 100, height: 100, channels: 3, fit: 'fill' } as const;
  const all = list.flatMap((drawing) => Array.from({ length: shots }, (_, shot) => ({ drawing, shot })));
  return Promise.all(
    all.map(async ({ drawing, shot }) => ({
      pixels: await decodePicture(await photographOf(drawing, shot), size),
      label: description.classes.indexOf(drawing.className),
    })),
  );
}

/** The last batch is smaller where the number of examples is not a multiple of 10. */
export function* batchesOf(examples: Example[]) {
  const batchSize = 10;
  for (let start = 0; start < examples.length; start += batchSize) {
    const batch = examples.slice(start, start + batchSize);
    yield {
      pixels: Buffer.concat(batch.map(({ pixels }) => pixels)),
      labels: batch.map(({ label }) => label),
    };
  }
}

/** Trains the article's network, leaving out each epoch's incomplete batch. The engine must run. */
export function trainOnDrawings(examples: Example[], { epochs, seed }: { epochs: number; seed: number }) {
  const model: Model = createModel(description, { seed });
  const adam = new Adam(model.variables);
  let step = 0;
  let loss = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const batches = [...batchesOf(shuffle(examples, `${seed}/${epoch}`))].filter(
      ({ labels }) => labels.length === 10,
    );
    loss = 0;
    for (const batch of batches)
      loss += trainStep(model, adam, batch, { step: ++step, learningRate: 3e-4 })().loss / batches.length;
  }
  return { model, loss };
}
