import { shuffle } from '../src/dataset/shuffle.ts';
import { type ClassName, classes, conceptsOf } from './concepts.ts';
import { type Designer, designers } from './designers.ts';

export interface Drawing {
  className: ClassName;
  concept: string;
  designer: Designer;
}

/** Never trained on. */
export const heldOutDesigner: Designer = 'fluent-emoji-flat';
export const trainingDesigners = designers.filter((designer) => designer !== heldOutDesigner);

/** Share of a class's concepts that are never trained on. */
const heldOutShare = 0.2;

function drawingsOf(className: ClassName, concepts: string[], from: readonly Designer[]): Drawing[] {
  return from.flatMap((designer) => concepts.map((concept) => ({ className, concept, designer })));
}

/**
 * @returns rawdata: drawings to train on; seen and unseen: the held-out designer's drawings of concepts that the others
 * show in training, and of new concepts.
 */
export function splitDrawings(seed: string): Record<'rawdata' | 'seen' | 'unseen', Drawing[]> {
  const split = { rawdata: [] as Drawing[], seen: [] as Drawing[], unseen: [] as Drawing[] };
  for (const name of classes) {
    const concepts = shuffle(conceptsOf(name), seed);
    // The demo ends with a question about the bat, which therefore has to be unseen.
    const batFirst = concepts.sort((a, b) => Number(b === 'bat') - Number(a === 'bat'));
    const unseen = batFirst.slice(0, Math.round(concepts.length * heldOutShare));
    const trained = batFirst.slice(unseen.length);
    split.rawdata.push(...drawingsOf(name, trained, trainingDesigners));
    split.seen.push(...drawingsOf(name, trained, [heldOutDesigner]));
    split.unseen.push(...drawingsOf(name, unseen, [heldOutDesigner]));
  }
  return split;
}
