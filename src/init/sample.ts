import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import seedrandom from 'seedrandom';
import sharp from 'sharp';
import { makeFolder } from '../system/files.ts';

type Point = [x: number, y: number];

const picturesPerClass = 100;
const side = 128;

/** Corners around the origin, alternating between these distances. */
function corners(count: number, distances: number[]): Point[] {
  return Array.from({ length: count }, (_, index) => {
    const angle = (2 * Math.PI * index) / count;
    const distance = distances[index % distances.length] as number;
    return [distance * Math.cos(angle), distance * Math.sin(angle)];
  });
}

/** Corners of shapes within a circle of radius 1. */
const shapes: Record<string, Point[]> = {
  star: corners(10, [1, 0.45]),
  square: corners(4, [1]),
};

function draw(points: Point[], random: seedrandom.PRNG): Promise<Buffer> {
  const between = (min: number, max: number) => min + (max - min) * random();
  const radius = between(0.3, 0.48) * side;
  const [x, y, angle] = [between(radius, side - radius), between(radius, side - radius), between(0, 360)];
  const [hue, otherHue] = [between(0, 360), between(0, 360)];
  const outline = points
    .map((point) => point.map((value) => (radius * value).toFixed(1)).join(','))
    .join(' ');
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}">
<rect width="100%" height="100%" fill="hsl(${hue.toFixed(0)} 60% 85%)"/>
<polygon points="${outline}" fill="hsl(${otherHue.toFixed(0)} 70% 40%)"
  transform="translate(${x.toFixed(1)} ${y.toFixed(1)}) rotate(${angle.toFixed(1)})"/></svg>`;
  return sharp(Buffer.from(svg)).png().toBuffer();
}

/**
 * Draws pictures to try things out: rawdata/star/*.png and rawdata/square/*.png, the same each time.
 */
export async function drawSample(rawData: string): Promise<void> {
  for (const [name, points] of Object.entries(shapes)) {
    const folder = join(rawData, name);
    await makeFolder(folder);
    const random = seedrandom.alea(name);
    for (let number = 1; number <= picturesPerClass; number++)
      await writeFile(
        join(folder, `${name}-${String(number).padStart(3, '0')}.png`),
        await draw(points, random),
      );
  }
}
