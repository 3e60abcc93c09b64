/**
 * 95 % Wilson score interval of a proportion (Wilson, Probable Inference, the Law of Succession, and Statistical
 * Inference, 1927).
 */
export function wilsonInterval(right: number, count: number): [low: number, high: number] {
  const z = 1.96;
  const share = right / count;
  const scale = 1 + z ** 2 / count;
  const centre = (share + z ** 2 / (2 * count)) / scale;
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / count + z ** 2 / (4 * count ** 2));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}
