import { drawingsIn, makers } from './makers.ts';

/** Which of the makers' drawings show what. A concept ("pineapple") is drawn once by every maker. */
export const classes = ['animals', 'food'] as const;
export type ClassName = (typeof classes)[number];

const categories: Record<ClassName, string> = { animals: 'Animals & Nature', food: 'Food & Drink' };

/** In the makers' categories, but not of the class: plants and traces of animals; tableware and drinks' vessels. */
const others: Record<ClassName, string[]> = {
  animals: `
    blossom bouquet cactus cherry-blossom coral deciduous-tree empty-nest evergreen-tree fallen-leaf feather
    four-leaf-clover herb hibiscus hyacinth leaf-fluttering-in-wind leafless-tree lotus maple-leaf microbe mushroom
    nest-with-eggs palm-tree paw-prints pig-nose potted-plant rose rosette seedling shamrock sheaf-of-rice
    spider-web spiral-shell sunflower tulip white-flower wilted-flower wing`.split(/\s+/),
  food: `
    amphora baby-bottle bottle-with-popping-cork chopsticks fork-and-knife fork-and-knife-with-plate ice jar
    kitchen-knife pouring-liquid spoon takeout-box`.split(/\s+/),
};

/** The concepts of a class that every maker has drawn and sorted into it, by name. */
export function conceptsOf(name: ClassName): string[] {
  const [first = [], ...rest] = makers.map((maker) => drawingsIn(maker, categories[name]));
  const shared = first.filter((concept) => rest.every((drawings) => drawings.includes(concept)));
  return shared.filter((concept) => !others[name].includes(concept)).sort();
}
