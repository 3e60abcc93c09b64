/** Rows of features as they are stored: int8, each divided by its largest absolute value and multiplied by 127. */
export interface QuantisedRows {
  /** int8 [rows, length] */
  rows: Int8Array;
  length: number;
}

/** The rows with the norm 1, float32 [rows, length]; those that are zero stay so. */
export function unitRows({ rows, length }: QuantisedRows): Float32Array {
  const unit = new Float32Array(rows.length);
  for (let start = 0; start < rows.length; start += length) {
    let sum = 0;
    for (let at = start; at < start + length; at++) sum += (rows[at] as number) ** 2;
    const norm = Math.sqrt(sum) || 1;
    for (let at = start; at < start + length; at++) unit[at] = (rows[at] as number) / norm;
  }
  return unit;
}
