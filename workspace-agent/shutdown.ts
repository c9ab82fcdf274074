/** SIGTERM and SIGINT as one abort signal; a second one ends the process at once. */

/** @param exit ends the process */
export function shutdownSignal(exit: (code: number) => void): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) exit(1);
      controller.abort();
    });
  }
  return controller.signal;
}
