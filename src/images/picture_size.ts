/** The size of decoded and resized pictures, and how pictures are brought to it. */
export interface PictureSize {
  /** Pixels. */
  width: number;
  height: number;
  /** 1: grey, the luma of ITU-R BT.601. 3: RGB. */
  channels: 1 | 3;
  /** 'fill' stretches to the size, 'cover' crops evenly to it, 'contain' pads with white. */
  fit: 'fill' | 'cover' | 'contain';
}
