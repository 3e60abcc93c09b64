/**
 * Milliseconds after which a browser gives up waiting, instead of the half minute that is its own: for what never comes,
 * on however busy a machine.
 */
export const hangs = 600_000;
