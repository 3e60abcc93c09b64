/** One bin of a reliability diagram: the pictures whose highest probability is in (from, to]. */
export interface ReliabilityBin {
  from: number;
  to: number;
  /** Number of pictures. */
  pictures: number;
  /** Mean highest probability; null where the bin is empty. */
  confidence: number | null;
  /** Share that is classified correctly; null where the bin is empty. */
  accuracy: number | null;
}

const binCount = 15;

/**
 * Reliability diagram with 15 bins of equal width: predicted probability against share correct.
 * @param confidences the highest probability of each picture, 0..1.
 * @param isCorrect whether a picture was classified correctly.
 * @throws {RangeError} where a confidence is outside 0..1.
 */
export function reliability(
  confidences: Float64Array,
  isCorrect: (picture: number) => boolean,
): ReliabilityBin[] {
  const bins = Array.from({ length: binCount }, () => ({ pictures: 0, confidence: 0, correct: 0 }));
  for (const [picture, confidence] of confidences.entries()) {
    const bin = bins[Math.max(0, Math.ceil(confidence * binCount) - 1)];
    if (!bin) throw new RangeError(`A probability is ${confidence}; it must be from 0 to 1.`);
    bin.pictures++;
    bin.confidence += confidence;
    if (isCorrect(picture)) bin.correct++;
  }
  return bins.map(({ pictures, confidence, correct }, index) => ({
    from: index / binCount,
    to: (index + 1) / binCount,
    pictures,
    confidence: pictures > 0 ? confidence / pictures : null,
    accuracy: pictures > 0 ? correct / pictures : null,
  }));
}

/**
 * Expected calibration error, 0..1: |confidence - accuracy| averaged over the pictures (Guo et al., On Calibration of
 * Modern Neural Networks, 2017, equation 3).
 */
export function expectedCalibrationError(bins: ReliabilityBin[]): number {
  const total = bins.reduce((sum, { pictures }) => sum + pictures, 0);
  const distance = ({ confidence, accuracy }: ReliabilityBin) =>
    Math.abs((confidence ?? 0) - (accuracy ?? 0));
  return bins.reduce((sum, bin) => sum + bin.pictures * distance(bin), 0) / total;
}
