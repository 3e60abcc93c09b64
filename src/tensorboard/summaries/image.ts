import { dataClass, stringsTensor, summaryValue } from '../summary.ts';

export interface EncodedImages {
  /** Pixels. */
  width: number;
  height: number;
  /** PNG or JPEG files, all of this size. */
  files: Uint8Array[];
}

/**
 * Summary of images under one tag: a tensor of width, height and the files (tensorboard/plugins/image/summary_v2.py).
 * @param description Markdown beside them.
 */
export function imageSummary(
  tag: string,
  { width, height, files }: EncodedImages,
  description?: string,
): Buffer {
  const strings = stringsTensor([files.length + 2], [String(width), String(height), ...files]);
  return summaryValue(tag, strings, { plugin: 'images', dataClass: dataClass.blobs }, description);
}
