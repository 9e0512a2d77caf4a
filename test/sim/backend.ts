import { type Backend, BackendFailed } from '../../src/backend/backend.ts';
import { checkAsk } from './checks.ts';
import type { Process } from './process.ts';
import type { BackendFault } from './script.ts';
import type { World } from './world.ts';

/** The team's service: slow, failing, and asked again and again. */
export class ModelBackend {
  readonly #world: World;
  readonly faults: BackendFault[] = [];
  outageUntil = 0;
  /** What was asked, by the request's id. */
  readonly asked = new Map<string, string>();

  constructor(world: World) {
    this.#world = world;
  }

  backendFor(process: Process): Backend {
    return {
      close: async () => {},
      ask: ({ id, src, input }, signal) =>
        new Promise((resolve, reject) => {
          const world = this.#world;
          if (process.dead || world.trouble.moment('ask', process)) return;
          const question = JSON.stringify({ src, input });
          checkAsk(world, id, question, this.asked.get(id));
          this.asked.set(id, question);
          const fault = this.faults.shift();
          world.trace(`ask ${id} ${fault ?? ''}`);
          const end = (settle: () => void): void => {
            if (process.dead || world.trouble.moment('answered', process) || process.dead) return;
            settle();
          };
          signal.addEventListener('abort', () => world.trace(`ask ${id} is cut off`), { once: true });
          const delayMs =
            { slow: world.delay(500, 2900), late: world.delay(3000, 9000) }[String(fault)] ?? world.delay(0, 60);
          if (fault === 'silent') return;
          world.time.after(delayMs, () =>
            end(() => {
              if (fault === 'error' || world.time.now < this.outageUntil) reject(new Error('It failed'));
              else if (fault === 'refuse') reject(new BackendFailed('refused', 'No', false));
              else resolve({ found: foundFor(id) });
            }),
          );
        }),
    };
  }
}

/** What the service finds: always the same for the same request. */
export const foundFor = (requestId: string): string => `<${requestId}>`;
