import { number } from './parameters.ts';

/** Of the operations that move away from, or beyond, a picture without brightness, contrast or colour. */
export function factors(least: number, most: number) {
  return {
    minFactor: number(0, 10, least, 'least factor; 1 changes nothing'),
    maxFactor: number(0, 10, most, 'most'),
  };
}
