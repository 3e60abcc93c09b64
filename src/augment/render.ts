import type { Change, Colour, GeometryChange, MixChange } from './operation.ts';
import type { Picture } from './picture.ts';
import { replaceValues } from './warp/colours.ts';
import { compose } from './warp/matrix.ts';
import type { Stage } from './warp/stages.ts';
import { type Pass, type Raster, warp, warpNearest } from './warp/warp.ts';

const black: Colour = [0, 0, 0];

/** Stages with matrices that follow each other made one. */
function joined(stages: Stage[]): Stage[] {
  const result: Stage[] = [];
  for (const stage of stages) {
    const last = result.at(-1);
    if (stage.kind === 'matrix' && last?.kind === 'matrix') {
      result[result.length - 1] = { kind: 'matrix', matrix: compose(last.matrix, stage.matrix) };
    } else {
      result.push(stage);
    }
  }
  return result;
}

/** One pass that does what `pass` does, then `change`. */
function extend(pass: Pass | undefined, { width, height, stages, fill }: GeometryChange): Pass {
  // Read backwards: from the last change's output to the first one's input.
  const all = joined([...stages, ...(pass?.stages ?? [])]);
  return { width, height, stages: all, fill: fill ?? pass?.fill ?? black };
}

function marks(pass: Pass): boolean {
  return pass.stages.some(({ kind }) => kind === 'mark');
}

function fillsOtherwise(pass: Pass, { fill }: GeometryChange): boolean {
  return fill !== undefined && marks(pass) && String(fill) !== String(pass.fill);
}

/** A table that replaces what `first` gives. */
function follow(first: Uint8Array | undefined, second: Uint8Array): Uint8Array {
  if (!first) return second;
  const both = new Uint8Array(first.length);
  for (let at = 0; at < both.length; at++) both[at] = second[(at & ~255) + (first[at] as number)] as number;
  return both;
}

/** Gives the other source of a mix, in the size of the picture. */
export type PartnerOf = (change: MixChange, size: Picture) => Promise<Picture>;

/**
 * A picture with changes made to it, one after the other. All the geometry that follows each other, and the tables
 * after it, are one pass over the pixels. The picture given stays as it is.
 */
export async function render(
  picture: Picture,
  changes: Change[],
  partnerOf: PartnerOf = noPartner,
): Promise<Picture> {
  let current = picture;
  let pass: Pass | undefined;
  let table: Uint8Array | undefined;
  const flush = () => {
    if (pass) current = warp(current, pass, table);
    else if (table) current = replaceValues(current, table);
    pass = undefined;
    table = undefined;
  };
  for (const change of changes) {
    if (change.kind === 'geometry') {
      if (table || (pass && fillsOtherwise(pass, change))) flush();
      pass = extend(pass, change);
    } else if (change.kind === 'values') {
      table = follow(table, change.table);
    } else {
      flush();
      if (change.kind === 'measured') table = change.table(current);
      else if (change.kind === 'pixels') current = await change.change(current);
      else current = change.blend(current, await partnerOf(change, current));
    }
  }
  flush();
  return current;
}

function noPartner(): never {
  throw new Error('mixing needs another source');
}

/**
 * A mask with the changes' geometry alone, by the nearest pixel; what comes in from outside is zero.
 * @param size of the picture that the changes were sampled for; the mask may have been kept in another.
 */
export function renderMask(mask: Raster, changes: Change[], size: { width: number; height: number }): Raster {
  let pass: Pass = { ...size, stages: [], fill: black };
  for (const change of changes) if (change.kind === 'geometry') pass = extend(pass, change);
  const [x, y] = [mask.width / size.width, mask.height / size.height];
  const stages = joined([...pass.stages, { kind: 'matrix', matrix: [x, 0, 0, 0, y, 0, 0, 0, 1] }]);
  return warpNearest(mask, { ...pass, stages });
}
