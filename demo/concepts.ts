import { designers, drawingsIn } from './designers.ts';

/** Classes of the demo. Each has concepts ("pineapple"), and every designer has drawn each concept once. */
export const classes = ['animals', 'food'] as const;
export type ClassName = (typeof classes)[number];

const categories: Record<ClassName, string> = { animals: 'Animals & Nature', food: 'Food & Drink' };

/** Concepts in the designers' categories that do not belong to the class: plants and traces of animals; tableware. */
const excluded: Record<ClassName, string[]> = {
  animals: `
    blossom bouquet cactus cherry-blossom coral deciduous-tree empty-nest evergreen-tree fallen-leaf feather
    four-leaf-clover herb hibiscus hyacinth leaf-fluttering-in-wind leafless-tree lotus maple-leaf microbe mushroom
    nest-with-eggs palm-tree paw-prints pig-nose potted-plant rose rosette seedling shamrock sheaf-of-rice
    spider-web spiral-shell sunflower tulip white-flower wilted-flower wing`.split(/\s+/),
  food: `
    amphora baby-bottle bottle-with-popping-cork chopsticks fork-and-knife fork-and-knife-with-plate ice jar
    kitchen-knife pouring-liquid spoon takeout-box`.split(/\s+/),
};

/** Names of a class's concepts that every designer has drawn and sorted into its category. */
export function conceptsOf(name: ClassName): string[] {
  const [first = [], ...rest] = designers.map((designer) => drawingsIn(designer, categories[name]));
  const shared = first.filter((concept) => rest.every((drawings) => drawings.includes(concept)));
  return shared.filter((concept) => !excluded[name].includes(concept)).sort();
}
