/** The size of decoded and resized pictures, and how pictures are brought to it. */
export interface PictureSize {
  /** Pixels. */
  width: number;
  height: number;
  /** 1: grey, the luma of ITU-R BT.601. 3: RGB. */
  channels: 1 | 3;
  /** 'fill' stretches to the size, 'cover' crops evenly to it, 'contain' pads with white. */
  fit: 'fill' | 'cover' | 'contain';
  /**
   * Share of height and width, around the centre, that is used; above 0 and at most 1, default 1. With 'fill' and 'contain'
   * the rest is cut off first. With 'cover' the picture is resized to cover the size / crop, and the size cut out of it.
   */
  crop?: number | undefined;
  /** Default 'lanczos3'. */
  filter?: 'lanczos3' | 'bicubic' | 'bilinear' | undefined;
}
