import { shuffle } from '../src/dataset/shuffle.ts';
import { type ClassName, classes, conceptsOf } from './concepts.ts';
import { type Maker, makers } from './makers.ts';

export interface Drawing {
  className: ClassName;
  concept: string;
  maker: Maker;
}

/** Nothing of this maker is ever learnt from. */
export const heldOutMaker: Maker = 'fluent-emoji-flat';
export const teachers = makers.filter((maker) => maker !== heldOutMaker);

/** Share of a class's concepts that nothing is learnt of. */
const heldOutShare = 0.2;

function drawingsOf(className: ClassName, concepts: string[], from: readonly Maker[]): Drawing[] {
  return from.flatMap((maker) => concepts.map((concept) => ({ className, concept, maker })));
}

/** rawdata to learn from; seen and unseen by the held-out maker: concepts that others have shown, and new ones. */
export function splitDrawings(seed: string): Record<'rawdata' | 'seen' | 'unseen', Drawing[]> {
  const split = { rawdata: [] as Drawing[], seen: [] as Drawing[], unseen: [] as Drawing[] };
  for (const name of classes) {
    const concepts = shuffle(conceptsOf(name), seed);
    // The bat stands for what the network is asked at the end, so it has to be new.
    const batFirst = concepts.sort((a, b) => Number(b === 'bat') - Number(a === 'bat'));
    const unseen = batFirst.slice(0, Math.round(concepts.length * heldOutShare));
    const taught = batFirst.slice(unseen.length);
    split.rawdata.push(...drawingsOf(name, taught, teachers));
    split.seen.push(...drawingsOf(name, taught, [heldOutMaker]));
    split.unseen.push(...drawingsOf(name, unseen, [heldOutMaker]));
  }
  return split;
}
