/** How a picture becomes a network's input. */
export interface Preprocessing {
  /** How it is brought to the network's size. */
  fit: 'fill' | 'cover' | 'contain';
  /** What the network reads is each pixel, 0..255, times this. */
  scale: number;
  /** Of a colour picture's channels; 'rgb' where absent. OpenCV's is 'bgr'. */
  order?: 'rgb' | 'bgr';
}

/** The pictures of a network that was trained here: 0..1, RGB. */
export const ownPreprocessing = { scale: 1 / 255, order: 'rgb' } as const;
