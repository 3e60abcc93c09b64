/**
 * The first SIGINT or SIGTERM aborts, for what is at work to end and be saved; a second one ends at once. So does
 * SIGUSR2, which mpirun hands on to its processes without killing them a second later, as it does with the others.
 */
export function abortOnSignals(onFirst = () => {}): AbortSignal {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(130);
    onFirst();
    controller.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGUSR2', stop);
  return controller.signal;
}
