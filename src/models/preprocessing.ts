/** How a picture becomes a network's input. */
export interface Preprocessing {
  /** How it is fitted to the network's size. */
  fit: 'fill' | 'cover' | 'contain';
  /** The network's input is pixels, 0..255, times this. */
  scale: number;
  /** Order of a colour picture's channels; default 'rgb'. OpenCV uses 'bgr'. */
  order?: 'rgb' | 'bgr';
}

/** The preprocessing of networks that bat-sup trains: 0..1, RGB. */
export const ownPreprocessing = { scale: 1 / 255, order: 'rgb' } as const;
