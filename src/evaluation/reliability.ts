/** One bin of a reliability curve: the pictures whose highest probability lies in (from, to]. */
export interface ReliabilityBin {
  from: number;
  to: number;
  pictures: number;
  /** Mean highest probability; null where the bin is empty. */
  confidence: number | null;
  /** Share that is right; null where the bin is empty. */
  accuracy: number | null;
}

const binCount = 15;

/**
 * How far a network can be believed: in fifteen bins of equal width, what it claims and what it keeps.
 * @param confidences the highest probability of each picture.
 */
export function reliability(
  confidences: Float64Array,
  right: (picture: number) => boolean,
): ReliabilityBin[] {
  const bins = Array.from({ length: binCount }, () => ({ pictures: 0, confidence: 0, right: 0 }));
  for (const [picture, confidence] of confidences.entries()) {
    const bin = bins[Math.max(0, Math.ceil(confidence * binCount) - 1)];
    if (!bin) throw new RangeError(`A probability is ${confidence}, outside of 0 to 1.`);
    bin.pictures++;
    bin.confidence += confidence;
    if (right(picture)) bin.right++;
  }
  return bins.map(({ pictures, confidence, right }, index) => ({
    from: index / binCount,
    to: (index + 1) / binCount,
    pictures,
    confidence: pictures > 0 ? confidence / pictures : null,
    accuracy: pictures > 0 ? right / pictures : null,
  }));
}

/** Expected calibration error, 0..1: the mean distance between claim and truth over the pictures (Guo et al. 2017). */
export function expectedCalibrationError(bins: ReliabilityBin[]): number {
  const total = bins.reduce((sum, { pictures }) => sum + pictures, 0);
  const distance = ({ confidence, accuracy }: ReliabilityBin) =>
    Math.abs((confidence ?? 0) - (accuracy ?? 0));
  return bins.reduce((sum, bin) => sum + bin.pictures * distance(bin), 0) / total;
}
