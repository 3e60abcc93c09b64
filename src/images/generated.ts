/** Pictures that augment made are named after their source: bat.png -> bat.png.aug-0003.jpg. */
const generatedName = /^(.+)\.aug-\d{4,}\.jpg$/;

/** @param copy index of the copy, from 1. */
export function generatedNameOf(source: string, copy: number): string {
  return `${source}.aug-${String(copy).padStart(4, '0')}.jpg`;
}

/** The source that a generated picture's name tells; undefined for a picture that is a source itself. */
export function generatedFrom(name: string): string | undefined {
  return generatedName.exec(name)?.[1];
}

/** Name of the resized copy: '.jpg' appended where it is not there, so that a.png and a.jpg stay two. */
export function copyNameOf(source: string): string {
  return source.endsWith('.jpg') ? source : `${source}.jpg`;
}

/** The same for a source, its resized copy, and every copy augmented from it. */
export function sourceOf(name: string): string {
  return copyNameOf(generatedFrom(name) ?? name);
}
