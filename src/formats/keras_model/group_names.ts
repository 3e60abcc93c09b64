/** 'MaxPooling2D' -> 'max_pooling2d', as Keras names groups of weights. */
function toSnakeCase(className: string): string {
  return className
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();
}

/** Each layer's group in Keras 3's model.weights.h5: its class in snake case, with _1, _2 ... from the second on. */
export function groupNames(classNames: string[]): string[] {
  const counts = new Map<string, number>();
  return classNames.map((className) => {
    const name = toSnakeCase(className);
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    return count === 0 ? name : `${name}_${count}`;
  });
}
