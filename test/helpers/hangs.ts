/**
 * Milliseconds until a browser gives up waiting. Its own half minute is too short on a busy machine; this is only for
 * events that never come.
 */
export const hangs = 600_000;
