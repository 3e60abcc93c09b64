/**
 * The first SIGINT or SIGTERM aborts, so that the work in progress can finish and be saved; the second one exits. SIGUSR2
 * does the same: mpirun forwards it without killing its processes a second later, as it does after the other two.
 * @param onFirst called before the signal aborts.
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
