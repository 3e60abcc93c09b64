import { dataClass, stringsTensor, summaryValue } from '../summary.ts';

/** Image files of one size. */
export interface EncodedImages {
  /** Pixels. */
  width: number;
  height: number;
  /** The bytes of PNG or JPEG files. */
  files: Uint8Array[];
}

/**
 * Images under one tag: a tensor of width, height and files (tensorboard/plugins/image/summary_v2.py).
 * @param description Markdown that is shown with them.
 */
export function imageSummary(
  tag: string,
  { width, height, files }: EncodedImages,
  description?: string,
): Buffer {
  const strings = stringsTensor([files.length + 2], [String(width), String(height), ...files]);
  return summaryValue(tag, strings, { plugin: 'images', dataClass: dataClass.blobs }, description);
}
