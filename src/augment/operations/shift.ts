import { between, edit, operation } from '../operation.ts';

const most = 0.12;

/** Moved by up to 12 % of each side; what comes in is the edge, repeated. */
export const shift = operation<{ right: number; down: number }>({
  name: 'shift',
  probability: 0.5,
  sample: (random) => ({ right: between(random, -most, most), down: between(random, -most, most) }),
  async apply(picture, { right, down }) {
    const { width, height } = picture;
    const x = Math.round(right * width);
    const y = Math.round(down * height);
    const margin = {
      left: Math.max(x, 0),
      right: Math.max(-x, 0),
      top: Math.max(y, 0),
      bottom: Math.max(-y, 0),
    };
    const extended = await edit(picture, (image) => image.extend({ ...margin, extendWith: 'copy' }));
    return edit(extended, (image) =>
      image.extract({ left: margin.right, top: margin.bottom, width, height }),
    );
  },
});
