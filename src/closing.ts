import { errorText } from './errors.ts';
import type { Logger } from './log.ts';

/** What has been opened and is to be closed again. */
export interface Closing {
  add(close: () => Promise<void> | void): void;
  /** Closes the last first. What fails to close is logged and hinders nothing. */
  closeAll(): Promise<void>;
}

/** Nothing is open at first. */
export function createClosing(log: Logger): Closing {
  const open: (() => Promise<void> | void)[] = [];
  return {
    add: (close) => void open.push(close),
    async closeAll() {
      for (const close of open.splice(0).reverse()) {
        try {
          await close();
        } catch (error) {
          log.error({ event: 'close_failed', error: errorText(error) }, 'a part did not close');
        }
      }
    },
  };
}
