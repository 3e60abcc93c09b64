import { beta, partnerKey } from '../mix.ts';
import { operation, toByte } from '../operation.ts';
import { number } from '../parameters.ts';

/** Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization". */
export const mixup = operation({
  name: 'mixup',
  summary: 'mean of it and another source, of any class; the label is shared likewise',
  probability: 0.5,
  mixes: true,
  parameters: { alpha: number(0.01, 10, 0.4, 'of the beta distribution of the shares; less mixes less') },
  sample(random, { alpha }) {
    const share = beta(random, alpha);
    return {
      kind: 'mix',
      share,
      partner: partnerKey(random),
      blend({ data, width, height }, other) {
        const output = Buffer.allocUnsafe(data.length);
        for (let at = 0; at < data.length; at++) {
          output[at] = toByte(share * (data[at] as number) + (1 - share) * (other.data[at] as number));
        }
        return { data: output, width, height };
      },
    };
  },
});
