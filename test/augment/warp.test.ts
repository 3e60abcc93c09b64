import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  affine,
  compose,
  invert,
  type Matrix,
  type Point,
  toQuadrilateral,
  transform,
} from '../../src/augment/warp/matrix.ts';
import type { Stage } from '../../src/augment/warp/stages.ts';
import { warp, warpNearest } from '../../src/augment/warp/warp.ts';
import { greyOf, pictureOf, redsOf } from '../helpers/pixels.ts';

const black = { fill: [0, 0, 0] as [number, number, number] };

function noisy(width: number, height: number, seed: number) {
  return pictureOf(width, height, (x, y) =>
    [1, 2, 3].map((c) => (seed + x * 7919 + y * 104729 + c * 31337) % 256),
  );
}

/** Straight from the definition: bilinear between pixel centres at .5, the edge repeated. */
function sample({ data, width, height }: ReturnType<typeof noisy>, [x, y]: Point, channel: number): number {
  const at = (column: number, row: number) => {
    const i = Math.min(Math.max(column, 0), width - 1);
    const j = Math.min(Math.max(row, 0), height - 1);
    return data[(j * width + i) * 3 + channel] as number;
  };
  const [left, top] = [Math.floor(x - 0.5), Math.floor(y - 0.5)];
  const [fx, fy] = [x - 0.5 - left, y - 0.5 - top];
  const above = at(left, top) * (1 - fx) + at(left + 1, top) * fx;
  const below = at(left, top + 1) * (1 - fx) + at(left + 1, top + 1) * fx;
  return above * (1 - fy) + below * fy;
}

const size = fc.integer({ min: 1, max: 23 });
const small = fc.double({ min: -0.4, max: 0.4, noNaN: true });

test('a matrix takes each output pixel to its place, bilinear', () =>
  fc.assert(
    fc.property(
      size,
      size,
      size,
      size,
      fc.tuple(small, small, small, small, small, small),
      (width, height, toWidth, toHeight, [a, b, c, d, e, f]) => {
        const picture = noisy(width, height, toWidth);
        // Close enough to the identity that nothing shrinks.
        const matrix = affine(0.9 + a, b, 5 * c, d, 0.9 + e, 5 * f);
        const output = warp(picture, {
          width: toWidth,
          height: toHeight,
          stages: [{ kind: 'matrix', matrix }],
          ...black,
        });
        for (let y = 0; y < toHeight; y++) {
          for (let x = 0; x < toWidth; x++) {
            const place = transform(matrix, [x + 0.5, y + 0.5]);
            for (const channel of [0, 1, 2]) {
              const expected = sample(picture, place, channel);
              const found = output.data[(y * toWidth + x) * 3 + channel] as number;
              // Weights have seven bits: an error of 1/256 of the largest step along each side.
              assert.ok(Math.abs(found - expected) <= 2.6, `${x},${y}: ${found}, not ${expected}`);
            }
          }
        }
      },
    ),
  ));

test('whole pixels are copied exactly, into every width', () => {
  for (let width = 1; width < 20; width++) {
    const picture = noisy(width, 3, width);
    const stages: Stage[] = [{ kind: 'matrix', matrix: affine(1, 0, 0, 0, 1, 0) }];
    assert.deepEqual(warp(picture, { width, height: 3, stages, ...black }).data, picture.data);
    const mirrored: Stage[] = [{ kind: 'matrix', matrix: affine(-1, 0, width, 0, 1, 0) }];
    const rows = redsOf(warp(picture, { width, height: 3, stages: mirrored, ...black }));
    assert.deepEqual(
      rows,
      redsOf(picture).map((row) => row.reverse()),
    );
  }
});

test('shrinking takes the mean of what a pixel covers', () => {
  const picture = greyOf([
    [0, 100, 200, 200],
    [100, 200, 200, 200],
    [10, 10, 0, 40],
    [10, 10, 40, 80],
  ]);
  const halved: Stage[] = [{ kind: 'matrix', matrix: affine(2, 0, 0, 0, 2, 0) }];
  assert.deepEqual(redsOf(warp(picture, { width: 2, height: 2, stages: halved, ...black })), [
    [100, 200],
    [10, 40],
  ]);
  // A chequered board becomes grey, at any factor.
  const board = pictureOf(96, 96, (x, y) => Array(3).fill((x + y) % 2 ? 255 : 0));
  for (const side of [12, 16, 24, 32, 40]) {
    const stages: Stage[] = [{ kind: 'matrix', matrix: affine(96 / side, 0, 0, 0, 96 / side, 0) }];
    const { data } = warp(board, { width: side, height: side, stages, ...black });
    assert.ok(
      data.every((value) => Math.abs(value - 127.5) < 16),
      `${side}: ${Math.min(...data)}..${Math.max(...data)}`,
    );
  }
});

test('outside is the edge, or the fill', () => {
  const picture = greyOf([[50, 60, 70]]);
  const move: Stage = { kind: 'matrix', matrix: affine(1, 0, -2, 0, 1, 0) };
  const bounds = { width: 3, height: 1 };
  const filled = { ...bounds, stages: [move, { kind: 'mark', ...bounds }] as Stage[] };
  assert.deepEqual([...warp(picture, { ...filled, fill: [1, 2, 3] }).data], [1, 2, 3, 1, 2, 3, 50, 50, 50]);
  const clamped = { ...bounds, stages: [move, { kind: 'clamp', ...bounds }] as Stage[] };
  assert.deepEqual(redsOf(warp(picture, { ...clamped, ...black })), [[50, 50, 50]]);
  // What has no place stays so, whatever comes after.
  const after: Stage[] = [...filled.stages, move, { kind: 'clamp', ...bounds }];
  assert.deepEqual(
    [...warp(picture, { ...bounds, stages: after, fill: [9, 9, 9] }).data].slice(0, 6),
    Array(6).fill(9),
  );
});

test('a grid moves its corners as it says, and between them in proportion', () => {
  const picture = pictureOf(40, 40, (x, y) => [x * 6, y * 6, 0]);
  const displacements = new Float32Array(3 * 3 * 2);
  displacements.set([4, -2], 8);
  const grid = { columns: 2, rows: 2, width: 40, height: 40, displacements };
  const output = warp(picture, { width: 40, height: 40, stages: [{ kind: 'grid', grid }], ...black });
  const at = (x: number, y: number) => [...output.data.subarray((y * 40 + x) * 3, (y * 40 + x) * 3 + 2)];
  // The pixel right below the middle corner, whose centre is half a pixel into its tile.
  const share = (19.5 / 20) ** 2;
  const [red, green] = at(20, 20) as [number, number];
  assert.ok(Math.abs(red - (20 + 4 * share) * 6) < 1.5, String(red));
  assert.ok(Math.abs(green - (20 - 2 * share) * 6) < 1.5, String(green));
  assert.deepEqual(at(0, 0), [0, 0]);
  assert.deepEqual(at(39, 39), [234, 234]);
});

test('a table replaces what comes out', () => {
  const table = Uint8Array.from({ length: 768 }, (_, i) => (i < 256 ? 255 - i : i < 512 ? 7 : i - 512));
  const stages: Stage[] = [{ kind: 'matrix', matrix: affine(1, 0, 0, 0, 1, 0) }];
  const picture = pictureOf(5, 2, (x, y) => [x, y, 99]);
  const { data } = warp(picture, { width: 5, height: 2, stages, ...black }, table);
  assert.deepEqual([...data.subarray(27)], [251, 7, 99]);
});

test('the nearest pixel keeps values of any width', () => {
  const stages: Stage[] = [
    { kind: 'matrix', matrix: affine(0.5, 0, 0, 0, 1, 0) },
    { kind: 'mark', width: 3, height: 1 },
  ];
  const mask = { data: Uint8Array.of(1, 2, 3, 4, 5, 6), width: 3, height: 1, bytesPerPixel: 2 };
  const { data } = warpNearest(mask, { width: 7, height: 1, stages, ...black });
  assert.deepEqual([...data], [1, 2, 1, 2, 3, 4, 3, 4, 5, 6, 5, 6, 0, 0]);
});

const corner = fc.double({ min: 0, max: 0.4, noNaN: true });

test('a quadrilateral map takes each corner to its point, and its inverse back', () =>
  fc.assert(
    fc.property(fc.tuple(corner, corner, corner, corner, corner, corner, corner, corner), (moves) => {
      const [a, b, c, d, e, f, g, h] = moves.map((move) => move * 30) as [
        number,
        number,
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      const points: [Point, Point, Point, Point] = [
        [a, b],
        [30 - c, d],
        [30 - e, 30 - f],
        [g, 30 - h],
      ];
      const matrix = toQuadrilateral(40, 20, points);
      const corners: Point[] = [
        [0, 0],
        [40, 0],
        [40, 20],
        [0, 20],
      ];
      for (const [i, from] of corners.entries()) {
        const to = transform(matrix, from);
        const back = transform(invert(matrix), to);
        for (const axis of [0, 1] as const) {
          assert.ok(Math.abs(to[axis] - (points[i] as Point)[axis]) < 1e-6);
          assert.ok(Math.abs(back[axis] - from[axis]) < 1e-6);
        }
      }
    }),
  ));

test('a composed matrix does the one, then the other', () => {
  const first: Matrix = [1, 2, 3, 4, 5, 6, 0.01, 0.02, 1];
  const second: Matrix = [2, 0, 1, 1, 3, -4, 0.03, 0, 1];
  const expected = transform(second, transform(first, [3, 5]));
  const found = transform(compose(first, second), [3, 5]);
  assert.ok(Math.hypot(found[0] - expected[0], found[1] - expected[1]) < 1e-9);
});
