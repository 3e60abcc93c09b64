export { cholesky, gram } from './basis';
export { evaluate, evaluateSingle, logits } from './evaluate';
