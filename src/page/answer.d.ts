/**
 * What the page asks: the one boundary between it and whatever runs the network. page.js imports './answer.js', and
 * each place that shows the page puts an answer.js of its own beside it: `bat-sup export --format web` one that runs the
 * network in the browser, a server one that asks over HTTP.
 *
 * Both functions reject with an Error whose message is a sentence for the person at the page.
 */

/** What the page says before there is a picture. */
export interface Description {
  /** Heading and title of the page. */
  title: string;
  /** In the order of the network's answers. */
  classes: string[];
  /** How pictures are brought to the network's size; it says where a heat map lies on its picture. */
  fit: 'fill' | 'cover' | 'contain';
  /** Whether heat maps can be asked for. */
  heatMaps: boolean;
  /** A sentence: what computes, and where pictures go. */
  note: string;
}

export interface Answer {
  /** The likeliest first; probabilities are 0..1. */
  classes: { label: string; probability: number }[];
  /**
   * The heat map of the likeliest class, if it was asked for: a picture in the proportions of the network's input, clear
   * where nothing matters, for the page to lay over the picture.
   */
  heatMap: Blob | null;
}

/** Makes ready what answers, and tells about it. */
export function describe(): Promise<Description>;

/** @param picture the bytes of a picture's file, of any size and format. */
export function answer(picture: Blob, options: { heatMap: boolean }): Promise<Answer>;
