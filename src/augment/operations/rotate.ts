import { between, cropCentre, edit, operation } from '../operation.ts';

const most = 20;

/** Turned by up to 20 degrees, cropped to the largest part of the same aspect that shows no empty corner. */
export const rotate = operation<{ degrees: number }>({
  name: 'rotate',
  probability: 0.5,
  sample: (random) => ({ degrees: between(random, -most, most) }),
  async apply(picture, { degrees }) {
    const { width, height } = picture;
    const turned = await edit(picture, (image) => image.rotate(degrees));
    const angle = (Math.abs(degrees) * Math.PI) / 180;
    const aspect = Math.max(width / height, height / width);
    const scale = 1 / (Math.cos(angle) + aspect * Math.sin(angle));
    // One pixel less on each side, since those on the edge are blended with the empty ground.
    return cropCentre(turned, width * scale - 2, height * scale - 2);
  },
});
