import { takeBuffer } from '../buffers.ts';
import { toByte } from '../changes.ts';
import { operation } from '../operation.ts';
import { number } from '../parameters.ts';
import { newPartnerKey } from '../partners.ts';
import { beta } from '../random.ts';

/** Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization". */
export const mixup = operation({
  name: 'mixup',
  summary: 'blends in another source, of any class; each class gets its share of the label',
  probability: 0.5,
  mixes: true,
  parameters: {
    alpha: number(0.01, 10, 0.4, 'parameter of the beta distribution of the shares; smaller mixes less'),
  },
  sample(random, { alpha }) {
    const share = beta(random, alpha);
    return {
      kind: 'mix',
      share,
      partner: newPartnerKey(random),
      blend({ data, width, height }, other) {
        const output = takeBuffer(data.length);
        for (let at = 0; at < data.length; at++) {
          output[at] = toByte(share * (data[at] as number) + (1 - share) * (other.data[at] as number));
        }
        return { data: output, width, height };
      },
    };
  },
});
