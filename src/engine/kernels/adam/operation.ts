import { tf } from '../../../tensors/tf.ts';

/** The kernel an engine may register: the whole update in one pass, in place. Inputs: variable, m, v, gradient. */
export const applyAdamKernel = 'ApplyAdam';
/** The same for several variables. Inputs: variable, m, v and gradient of each, in this order. */
export const applyAdamToAllKernel = 'ApplyAdamToAll';

/**
 * Adam (Kingma and Ba 2015, the more efficient form given at the end of section 2):
 * m += (1 - beta1)(g - m); v += (1 - beta2)(g^2 - v); variable -= stepSize * m / (sqrt(v) + epsilon)
 * with stepSize = learningRate * sqrt(1 - beta2^t) / (1 - beta1^t).
 */
export interface AdamAttributes {
  stepSize: number;
  beta1: number;
  beta2: number;
  epsilon: number;
}

/** Updates variable, m and v in place from the gradient. All are float32 and have the same shape. */
export function applyAdam(
  variable: tf.Variable,
  m: tf.Variable,
  v: tf.Variable,
  gradient: tf.Tensor,
  { stepSize, ...others }: AdamAttributes,
): void {
  applyAdamToAll([{ variable, m, v, gradient, stepSize }], others);
}

function applyToOne({ variable, m, v, gradient, stepSize }: AdamUpdate, others: OtherAttributes): void {
  const { beta1, beta2, epsilon } = others;
  if (tf.getKernel(applyAdamKernel, tf.getBackend())) {
    const inputs = { variable, m, v, gradient };
    const attributes: AdamAttributes = { stepSize, ...others };
    tf.engine().runKernel(applyAdamKernel, inputs, attributes as unknown as tf.NamedAttrMap);
    return;
  }
  tf.tidy(() => {
    m.assign(tf.add(m, tf.mul(tf.sub(gradient, m), 1 - beta1)));
    v.assign(tf.add(v, tf.mul(tf.sub(tf.square(gradient), v), 1 - beta2)));
    variable.assign(tf.sub(variable, tf.mul(tf.div(m, tf.add(tf.sqrt(v), epsilon)), stepSize)));
  });
}

export interface AdamUpdate {
  variable: tf.Variable;
  m: tf.Variable;
  v: tf.Variable;
  gradient: tf.Tensor;
  stepSize: number;
}

type OtherAttributes = Omit<AdamAttributes, 'stepSize'>;

export interface AdamOfAllAttributes extends OtherAttributes {
  /** One for each variable. */
  stepSizes: number[];
}

/** Updates several variables: together, where the engine can. */
export function applyAdamToAll(updates: AdamUpdate[], attributes: OtherAttributes): void {
  if (!tf.getKernel(applyAdamToAllKernel, tf.getBackend())) {
    for (const update of updates) applyToOne(update, attributes);
    return;
  }
  const inputs = updates.flatMap(({ variable, m, v, gradient }, index) =>
    Object.entries({ variable, m, v, gradient }).map(([name, tensor]) => [`${name}${index}`, tensor]),
  );
  const all: AdamOfAllAttributes = { ...attributes, stepSizes: updates.map(({ stepSize }) => stepSize) };
  tf.engine().runKernel(
    applyAdamToAllKernel,
    Object.fromEntries(inputs) as tf.NamedTensorMap,
    all as unknown as tf.NamedAttrMap,
  );
}
