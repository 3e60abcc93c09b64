import { copyOf } from '../buffers.ts';
import { operation } from '../operation.ts';
import { number } from '../parameters.ts';
import { newPartnerKey } from '../partners.ts';
import { beta } from '../random.ts';

/** Yun et al. 2019, "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features". */
export const cutmix = operation({
  name: 'cutmix',
  summary:
    'covers a rectangle with that of another source, of any class; each class gets its share of the label',
  probability: 0.5,
  mixes: true,
  parameters: { alpha: number(0.01, 10, 1, 'parameter of the beta distribution of the shares; 1: uniform') },
  sample(random, { alpha }) {
    const side = Math.sqrt(1 - beta(random, alpha));
    const [left, right] = span(random(), side);
    const [top, bottom] = span(random(), side);
    return {
      kind: 'mix',
      share: 1 - (right - left) * (bottom - top),
      partner: newPartnerKey(random),
      blend({ data, width, height }, other) {
        const output = copyOf(data);
        const [from, to] = [Math.round(left * width), Math.round(right * width)];
        for (let y = Math.round(top * height); y < Math.round(bottom * height); y++) {
          other.data.copy(output, (y * width + from) * 3, (y * width + from) * 3, (y * width + to) * 3);
        }
        return { data: output, width, height };
      },
    };
  },
});

/** An interval around its middle, clipped to the picture; all are shares of the side. */
function span(middle: number, length: number): [from: number, to: number] {
  return [Math.max(0, middle - length / 2), Math.min(1, middle + length / 2)];
}
