import { giveBack } from './buffers.ts';
import type { Change, Colour, GeometryChange, MixChange, Size } from './operation.ts';
import type { Picture } from './picture.ts';
import { replaceValues } from './warp/colours.ts';
import { compose } from './warp/matrix.ts';
import type { Stage } from './warp/stages.ts';
import { type Pass, type Raster, warp, warpNearest } from './warp/warp.ts';

const black: Colour = [0, 0, 0];

/** Multiplies matrices that follow each other. */
function mergeMatrices(stages: Stage[]): Stage[] {
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

/** One resampling that does what `pass` does, then `change`. */
function extend(pass: Pass | undefined, { width, height, stages, fill }: GeometryChange): Pass {
  // In reverse order: from the last change's output to the first one's input.
  const all = mergeMatrices([...stages, ...(pass?.stages ?? [])]);
  return { width, height, stages: all, fill: fill ?? pass?.fill ?? black };
}

/** A pass has one fill, so that a change with another one needs a pass of its own. */
function needsOtherFill(pass: Pass, { fill }: GeometryChange): boolean {
  const usesFill = pass.stages.some(({ kind }) => kind === 'mark');
  return usesFill && fill !== undefined && String(fill) !== String(pass.fill);
}

/** The table that does what `first` does, then `second`. */
function composeTables(first: Uint8Array | undefined, second: Uint8Array): Uint8Array {
  if (!first) return second;
  const both = new Uint8Array(first.length);
  for (let at = 0; at < both.length; at++) both[at] = second[(at & ~255) + (first[at] as number)] as number;
  return both;
}

/** Decodes the other source of a mix, in the size of the picture. */
export type DecodePartner = (change: MixChange, size: Size) => Promise<Picture>;

/**
 * Applies changes to a picture, one after the other. Consecutive geometry changes, and the tables after them, are one pass
 * over the pixels. The picture given stays as it is.
 */
export async function render(
  picture: Picture,
  changes: Change[],
  decodePartner: DecodePartner = noPartner,
): Promise<Picture> {
  let current = picture;
  let pass: Pass | undefined;
  let table: Uint8Array | undefined;
  /** Own buffers between the picture given and the result are used again. */
  const replace = (next: Picture) => {
    if (current.data !== picture.data && current.data !== next.data) giveBack(current.data);
    current = next;
  };
  const flush = () => {
    if (pass) replace(warp(current, pass, table));
    else if (table) replace(replaceValues(current, table));
    pass = undefined;
    table = undefined;
  };
  for (const change of changes) {
    if (change.kind === 'geometry') {
      if (table || (pass && needsOtherFill(pass, change))) flush();
      pass = extend(pass, change);
    } else if (change.kind === 'lookup') {
      table = composeTables(table, change.table);
    } else {
      flush();
      if (change.kind === 'adaptiveLookup') table = change.table(current);
      else if (change.kind === 'pixels') replace(await change.change(current));
      else replace(change.blend(current, await decodePartner(change, current)));
    }
  }
  flush();
  return current;
}

function noPartner(): never {
  throw new Error('mixing needs another source');
}

/**
 * Applies the geometry among the changes to a mask, by the nearest pixel; what comes in from outside is zero.
 * @param size of the picture that the changes were sampled for; the mask may be larger or smaller.
 */
export function renderMask(mask: Raster, changes: Change[], size: Size): Raster {
  let pass: Pass = { ...size, stages: [], fill: black };
  for (const change of changes) if (change.kind === 'geometry') pass = extend(pass, change);
  const [x, y] = [mask.width / size.width, mask.height / size.height];
  const stages = mergeMatrices([...pass.stages, { kind: 'matrix', matrix: [x, 0, 0, 0, y, 0, 0, 0, 1] }]);
  return warpNearest(mask, { ...pass, stages });
}
