/**
 * Where the pixels of one output row come from. A stage is 16 words of 4 bytes, the first its kind, and maps the
 * coordinates that the stage before left in xs and ys, in place; pixel centres lie at .5. Kinds and words are those
 * of stages.ts.
 */
const stageBytes: usize = 64;

// @ts-ignore: decorator
@inline
function real(stage: usize, word: i32): f32 {
  return load<f32>(stage + (<usize>word << 2));
}

// @ts-ignore: decorator
@inline
function integer(stage: usize, word: i32): i32 {
  return load<i32>(stage + (<usize>word << 2));
}

/** Starts from `count` places of the row at height `y`, `samples` places a pixel. */
export function coordinates(
  stages: usize,
  stageCount: i32,
  xs: usize,
  ys: usize,
  count: i32,
  y: f32,
  samples: i32,
): void {
  const step: f32 = 1 / <f32>samples;
  const height = f32x4.splat(y);

  for (let i = 0; i < count; i += 4) {
    const at = <usize>i << 2;
    v128.store(xs + at, f32x4.mul(f32x4.add(f32x4.convert_i32x4_s(i32x4.splat(i)), f32x4(0.5, 1.5, 2.5, 3.5)), f32x4.splat(step)));
    v128.store(ys + at, height);
  }
  for (let stage = 0; stage < stageCount; stage++) {
    const words = stages + <usize>stage * stageBytes;
    const kind = integer(words, 0);
    if (kind == 1) affine(words, xs, ys, count);
    else if (kind == 2) projective(words, xs, ys, count);
    else if (kind == 3) grid(words, xs, ys, count);
    else if (kind == 4) clamp(words, xs, ys, count);
    else markOutside(words, xs, ys, count);
  }
}

function affine(words: usize, xs: usize, ys: usize, count: i32): void {
  const a = v128.load32_splat(words + 4);
  const b = v128.load32_splat(words + 8);
  const c = v128.load32_splat(words + 12);
  const d = v128.load32_splat(words + 16);
  const e = v128.load32_splat(words + 20);
  const f = v128.load32_splat(words + 24);
  for (let i = 0; i < count; i += 4) {
    const at = <usize>i << 2;
    const x = v128.load(xs + at);
    const y = v128.load(ys + at);
    v128.store(xs + at, f32x4.add(f32x4.add(f32x4.mul(a, x), f32x4.mul(b, y)), c));
    v128.store(ys + at, f32x4.add(f32x4.add(f32x4.mul(d, x), f32x4.mul(e, y)), f));
  }
}

function projective(words: usize, xs: usize, ys: usize, count: i32): void {
  const g = v128.load32_splat(words + 28);
  const h = v128.load32_splat(words + 32);
  const k = v128.load32_splat(words + 36);
  const a = v128.load32_splat(words + 4);
  const b = v128.load32_splat(words + 8);
  const c = v128.load32_splat(words + 12);
  const d = v128.load32_splat(words + 16);
  const e = v128.load32_splat(words + 20);
  const f = v128.load32_splat(words + 24);
  for (let i = 0; i < count; i += 4) {
    const at = <usize>i << 2;
    const x = v128.load(xs + at);
    const y = v128.load(ys + at);
    const w = f32x4.add(f32x4.add(f32x4.mul(g, x), f32x4.mul(h, y)), k);
    v128.store(xs + at, f32x4.div(f32x4.add(f32x4.add(f32x4.mul(a, x), f32x4.mul(b, y)), c), w));
    v128.store(ys + at, f32x4.div(f32x4.add(f32x4.add(f32x4.mul(d, x), f32x4.mul(e, y)), f), w));
  }
}

/** Displacements at the corners of equal tiles, bilinear between them, and as on the edge beyond it. */
function grid(words: usize, xs: usize, ys: usize, count: i32): void {
  const columns = integer(words, 1);
  const rows = integer(words, 2);
  const tilesPerX = real(words, 3);
  const tilesPerY = real(words, 4);
  const corners = <usize>integer(words, 5);
  const rowBytes = <usize>(columns + 1) << 3;
  const zero = f32x4.splat(0);
  const lastColumn = f32x4.splat(<f32>columns);
  const lastRow = f32x4.splat(<f32>rows);
  for (let i = 0; i < count; i += 4) {
    const at = <usize>i << 2;
    const x = v128.load(xs + at);
    const y = v128.load(ys + at);
    const across = f32x4.pmin(f32x4.pmax(zero, f32x4.mul(x, f32x4.splat(tilesPerX))), lastColumn);
    const down = f32x4.pmin(f32x4.pmax(zero, f32x4.mul(y, f32x4.splat(tilesPerY))), lastRow);
    const column = i32x4.min_s(i32x4.trunc_sat_f32x4_s(across), i32x4.splat(columns - 1));
    const row = i32x4.min_s(i32x4.trunc_sat_f32x4_s(down), i32x4.splat(rows - 1));
    const right = f32x4.sub(across, f32x4.convert_i32x4_s(column));
    const below = f32x4.sub(down, f32x4.convert_i32x4_s(row));
    const corner = i32x4.add(i32x4.mul(row, i32x4.splat(<i32>rowBytes)), i32x4.shl(column, 3));
    const first = displacement(corners, rowBytes, i32x4.extract_lane(corner, 0), v128.shuffle<i32>(right, right, 0, 0, 0, 0), v128.shuffle<i32>(below, below, 0, 0, 0, 0));
    const second = displacement(corners, rowBytes, i32x4.extract_lane(corner, 1), v128.shuffle<i32>(right, right, 1, 1, 1, 1), v128.shuffle<i32>(below, below, 1, 1, 1, 1));
    const third = displacement(corners, rowBytes, i32x4.extract_lane(corner, 2), v128.shuffle<i32>(right, right, 2, 2, 2, 2), v128.shuffle<i32>(below, below, 2, 2, 2, 2));
    const fourth = displacement(corners, rowBytes, i32x4.extract_lane(corner, 3), v128.shuffle<i32>(right, right, 3, 3, 3, 3), v128.shuffle<i32>(below, below, 3, 3, 3, 3));
    const left = v128.shuffle<i32>(first, second, 0, 4, 1, 5);
    const rest = v128.shuffle<i32>(third, fourth, 0, 4, 1, 5);
    v128.store(xs + at, f32x4.add(x, v128.shuffle<i64>(left, rest, 0, 2)));
    v128.store(ys + at, f32x4.add(y, v128.shuffle<i64>(left, rest, 1, 3)));
  }
}

/** dx, dy (and two more) between the four corners of the tile whose first corner lies at `corner`. */
// @ts-ignore: decorator
@inline
function displacement(corners: usize, rowBytes: usize, corner: i32, right: v128, below: v128): v128 {
  // Two corners at once: dx, dy of the left one, dx, dy of the right one.
  const top = v128.load(corners + <usize>corner);
  const bottom = v128.load(corners + <usize>corner + rowBytes);
  const mixed = f32x4.add(top, f32x4.mul(below, f32x4.sub(bottom, top)));
  const swapped = v128.shuffle<i64>(mixed, mixed, 1, 0);
  return f32x4.add(mixed, f32x4.mul(right, f32x4.sub(swapped, mixed)));
}

/** What lies outside [0, width] x [0, height] is taken from the edge; NaN stays, since pmin and pmax keep it. */
function clamp(words: usize, xs: usize, ys: usize, count: i32): void {
  const zero = f32x4.splat(0);
  const width = v128.load32_splat(words + 4);
  const height = v128.load32_splat(words + 8);
  for (let i = 0; i < count; i += 4) {
    const at = <usize>i << 2;
    v128.store(xs + at, f32x4.pmin(f32x4.pmax(v128.load(xs + at), zero), width));
    v128.store(ys + at, f32x4.pmin(f32x4.pmax(v128.load(ys + at), zero), height));
  }
}

/** What lies outside [0, width] x [0, height] gets no place: x and y become NaN, and stay so. */
function markOutside(words: usize, xs: usize, ys: usize, count: i32): void {
  const zero = f32x4.splat(0);
  const nan = f32x4.splat(NaN);
  const width = v128.load32_splat(words + 4);
  const height = v128.load32_splat(words + 8);
  for (let i = 0; i < count; i += 4) {
    const at = <usize>i << 2;
    const x = v128.load(xs + at);
    const y = v128.load(ys + at);
    const inside = v128.and(
      v128.and(f32x4.ge(x, zero), f32x4.le(x, width)),
      v128.and(f32x4.ge(y, zero), f32x4.le(y, height)),
    );
    v128.store(xs + at, v128.bitselect(x, nan, inside));
    v128.store(ys + at, v128.bitselect(y, nan, inside));
  }
}
