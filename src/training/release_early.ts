import { tf } from '../tensors/tf.ts';

type Gradients = Record<string, () => tf.Tensor>;

/** What tfjs records of an operation in the forward pass (tape.ts of tfjs-core). */
interface TapeNode {
  /** What the gradient needs of the forward pass. */
  saved?: tf.Tensor[];
  gradient?: (dys: (tf.Tensor | null)[]) => Gradients;
}

/**
 * Lets the backward pass dispose of the gradient of an operation's output, and of what was saved for it, as soon as the
 * operation is behind it; tfjs keeps all of them until the pass is over, which takes about twice the memory. To be called
 * at the end of the function that is differentiated.
 */
export function releaseEarly(): void {
  const { activeTape } = (tf.engine() as unknown as { state: { activeTape: TapeNode[] } }).state;
  let release = () => {};
  for (const node of activeTape) {
    const { gradient } = node;
    if (!gradient) continue;
    node.gradient = (dys) => {
      release();
      // An operation may hand its gradient on as it is.
      const handedOn = new Set<tf.Tensor>();
      release = () => {
        for (const tensor of [...dys, ...(node.saved ?? [])])
          if (tensor && !handedOn.has(tensor)) tensor.dispose();
      };
      const entries = Object.entries(gradient(dys)).map(([name, compute]) => [
        name,
        () => {
          const dx = compute();
          handedOn.add(dx);
          return dx;
        },
      ]);
      return Object.fromEntries(entries);
    };
  }
}
