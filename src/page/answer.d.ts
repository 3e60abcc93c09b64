/**
 * The interface between the page and the network. page.js imports './answer.js', and whoever publishes the page puts an
 * implementation beside it: `bat-sup export --format web` one that runs the network in the browser, `bat-sup serve` one
 * that sends the pictures over HTTP.
 *
 * Both functions reject with an Error whose message is a sentence for the visitor.
 */

/** What the page shows before there is a picture. */
export interface Description {
  /** Heading and title of the page. */
  title: string;
  /** In the order of the network's answers. */
  classes: string[];
  /** How pictures are fitted to the network's size; it decides where a heat map goes on its picture. */
  fit: 'fill' | 'cover' | 'contain';
  /** Share of height and width, around the centre, that the network sees: above 0 and at most 1. */
  crop: number;
  /** Whether heat maps are available. */
  heatMaps: boolean;
  /** A sentence: where the network runs, and where the pictures go. */
  note: string;
}

export interface Answer {
  /** Most likely first; probabilities are 0..1. */
  classes: { label: string; probability: number }[];
  /** The labels of the classes that the picture shows, where it can show several, or none; absent where it shows one. */
  answered?: string[];
  /**
   * How far the picture is from what the network knows: above 1 it is of none of the classes. Only where the network was
   * trained to say so.
   */
  distance?: number;
  /**
   * Heat map of the likeliest class, if requested: an image with the proportions of the network's input, transparent
   * where nothing matters, which the page shows over the picture.
   */
  heatMap: Blob | null;
}

/** Loads or contacts the network, and describes it. */
export function describe(): Promise<Description>;

/** Classifies one picture. @param picture the bytes of an image file, of any size and format. */
export function answer(picture: Blob, options: { heatMap: boolean }): Promise<Answer>;
