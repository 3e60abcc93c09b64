import { number } from './parameters.ts';

/** Parameters of brightness, contrast, colour and sharpness. */
export function factors(min: number, max: number) {
  return {
    minFactor: number(0, 10, min, 'smallest factor; 1 changes nothing'),
    maxFactor: number(0, 10, max, 'largest factor'),
  };
}
