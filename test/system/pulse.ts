/** Lets tests wait for what they watch: whoever changes it beats, whoever waits looks again. */
export interface Pulse {
  beat(): void;
  /** Resolves once it is so; rejects with what was waited for when the time is up. */
  until(so: () => boolean, what: string, timeoutMs?: number): Promise<void>;
}

export function createPulse(): Pulse {
  const waiting = new Set<() => void>();
  return {
    beat() {
      for (const look of [...waiting]) look();
    },
    until(so, what, timeoutMs = 200_000) {
      return new Promise((resolve, reject) => {
        const late = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`waited ${timeoutMs} ms for ${what}`));
        }, timeoutMs);
        const look = (): void => {
          if (!so()) return;
          clearTimeout(late);
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      });
    },
  };
}
