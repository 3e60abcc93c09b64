export { cholesky, gram } from './basis';
export { evaluate, logits } from './evaluate';
export { evaluateSingle } from './evaluate_single';
