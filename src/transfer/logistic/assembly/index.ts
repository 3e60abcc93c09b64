export { cholesky, gram } from './basis';
export { evaluate, logits } from './evaluate';
