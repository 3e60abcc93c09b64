import assert from 'node:assert/strict';
import { test } from 'node:test';
import seedrandom from 'seedrandom';
import sharp from 'sharp';
import { decodePicture } from '../../src/images/decode.ts';
import { DisjointSets } from '../../src/images/disjoint_sets.ts';
import { fingerprint } from '../../src/images/fingerprint.ts';
import { joinNearDuplicates } from '../../src/images/near_duplicates.ts';

const side = 128;
const size = { width: 64, height: 64, channels: 3, fit: 'fill' } as const;

/** What a microscope sees: a bright disc on black that moves a little, noise, and dark spots. */
function disc(random: () => number, spots: number): Promise<Buffer> {
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const [x0, y0, radius] = [64 + 1.5 * normal(), 64 + 1.5 * normal(), 55 + normal()];
  const places = Array.from({ length: spots }, () => {
    const [angle, distance] = [2 * Math.PI * random(), 45 * random()];
    return [64 + distance * Math.cos(angle), 64 + distance * Math.sin(angle)] as const;
  });
  const light = 190 + 5 * normal();
  const pixels = Buffer.alloc(side * side * 3);
  for (let at = 0; at < side * side; at++) {
    const [x, y] = [at % side, Math.floor(at / side)];
    const isSpot = places.some(([px, py]) => (x - px) ** 2 + (y - py) ** 2 < 9);
    const value = ((x - x0) ** 2 + (y - y0) ** 2 < radius ** 2 ? light : 8) * (isSpot ? 0.3 : 1);
    for (const [channel, tint] of [1, 0.6, 0.4].entries())
      pixels[at * 3 + channel] = Math.min(255, Math.max(0, value * tint + 8 * normal()));
  }
  return sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toBuffer();
}

function drawing(body: string): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}">${body}</svg>`;
  return sharp(Buffer.from(svg)).flatten({ background: 'white' }).png().toBuffer();
}

/** A form with the same frames, filled in with strokes. */
function form(random: () => number): Promise<Buffer> {
  const frames = [10, 40, 70, 100].map(
    (y) => `<rect x="34" y="${y}" width="88" height="20" fill="none" stroke="black"/>`,
  );
  const strokes = Array.from({ length: 16 }, (_, index) => {
    const [x, y] = [38 + (index % 4) * 20, 13 + Math.floor(index / 4) * 30];
    const point = () => `${x + 16 * random()},${y + 14 * random()}`;
    return `<polyline points="${point()} ${point()} ${point()}" fill="none" stroke="#226" stroke-width="3"/>`;
  });
  return drawing(`<rect width="128" height="6" fill="#148"/>${frames.join('')}${strokes.join('')}`);
}

/** The digit one, as many hands write it. */
function one(random: () => number): Promise<Buffer> {
  const about = (value: number) => value + 10 * (random() - 0.5);
  const points = [`${about(78)},${about(18)}`, `${about(64)},${about(60)}`, `${about(54)},${about(108)}`];
  const width = 9 + 5 * random();
  return drawing(
    `<rect width="128" height="128"/><polyline points="${points.join(' ')}" fill="none" stroke="white" stroke-width="${width}" stroke-linecap="round"/>`,
  );
}

const layouts: Record<string, (random: () => number, index: number) => Promise<Buffer>> = {
  'discs of a microscope': (random, index) => disc(random, (index % 2) * 12 + Math.floor(3 * random())),
  'forms, filled in': form,
  'handwritten digits': one,
};

async function groupsOf(pictures: Buffer[], labels: number[]): Promise<Int32Array> {
  const records = pictures.map(async (picture) => fingerprint(await decodePicture(picture, size), size));
  const sets = new DisjointSets(pictures.length);
  joinNearDuplicates(Buffer.concat(await Promise.all(records)), sets, labels);
  return sets.representatives();
}

const changes: Record<string, (picture: Buffer) => Promise<Buffer>> = {
  resized: (picture) => sharp(picture).resize(200, 200).png().toBuffer(),
  recompressed: (picture) => sharp(picture).jpeg({ quality: 75 }).toBuffer(),
  darker: (picture) => sharp(picture).linear(0.85, 0).png().toBuffer(),
};

for (const [what, make] of Object.entries(layouts)) {
  test(`${what} are not duplicates of each other, but their copies are`, async () => {
    const random = seedrandom(what);
    const originals = await Promise.all(Array.from({ length: 80 }, (_, index) => make(random, index)));
    const labels = originals.map((_, index) => index % 2);
    const counts = new Map<number, number>();
    for (const group of await groupsOf(originals, labels)) counts.set(group, (counts.get(group) ?? 0) + 1);
    assert.ok(Math.max(...counts.values()) <= 6, `${Math.max(...counts.values())} in a group`);
    assert.ok(counts.size >= 68, `${counts.size} groups of 80 pictures`);

    for (const [how, change] of Object.entries(changes)) {
      const copies = await Promise.all(originals.slice(0, 10).map(change));
      const groups = await groupsOf([...originals, ...copies], [...labels, ...labels.slice(0, 10)]);
      for (let index = 0; index < 10; index++) assert.equal(groups[80 + index], groups[index], how);
    }
  });
}
