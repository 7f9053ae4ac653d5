/** Whether the process was asked to stop. Ctrl-C reaches a group and, through npm, a child twice: once is enough. */
export interface Stop {
  isAsked(): boolean;
  /** Resolves when it is. */
  readonly asked: Promise<void>;
}

export function stopSignal(): Stop {
  let isAsked = false;
  const asked = new Promise<void>((resolve) => {
    const ask = (): void => {
      isAsked = true;
      resolve();
    };
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, ask);
  });
  return { isAsked: () => isAsked, asked };
}
