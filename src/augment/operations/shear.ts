import { between, cropCentre, edit, operation } from '../operation.ts';

const most = 0.2;

/** Slanted to one side by up to a fifth of its height (or width), cropped so that no empty corner shows. */
export const shear = operation<{ slant: number; vertical: boolean }>({
  name: 'shear',
  probability: 0.5,
  sample: (random) => ({ slant: between(random, -most, most), vertical: random() < 0.5 }),
  async apply(picture, { slant, vertical }) {
    const { width, height } = picture;
    // A slant that would leave less than half of a long thin picture is made less.
    const across = vertical ? height / width : width / height;
    const used = Math.max(-across / 2, Math.min(across / 2, slant));
    const matrix: [[number, number], [number, number]] = vertical
      ? [
          [1, 0],
          [used, 1],
        ]
      : [
          [1, used],
          [0, 1],
        ];
    const slanted = await edit(picture, (image) => image.affine(matrix));
    const lost = Math.abs(used) * (vertical ? width : height) + 2;
    return vertical
      ? cropCentre(slanted, width - 2, height - lost)
      : cropCentre(slanted, width - lost, height - 2);
  },
});
