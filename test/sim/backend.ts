import { type Backend, BackendFailed } from '../../src/backend/backend.ts';
import { foundFor } from './inquiries.ts';
import type { Process } from './process.ts';
import type { BackendFault } from './script.ts';
import type { World } from './world.ts';

/** The team's service: slow, failing, and asked again and again. */
export class ModelBackend {
  readonly #world: World;
  readonly faults: BackendFault[] = [];
  outageUntil = 0;

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
          const about = aboutOf(input);
          world.ledger.inquiries.ask(id, src, about, !world.unheard);
          const fault = this.faults.shift();
          world.trace(`ask ${id} ${fault ?? ''}`);
          const end = (settle: () => void): void => {
            if (process.dead || world.trouble.moment('answered', process) || process.dead) return;
            settle();
          };
          signal.addEventListener('abort', () => world.trace(`ask ${id} is cut off`), { once: true });
          // Some take their time, so that more happens meanwhile.
          const takesMs = world.delay(1, 3) === 1 ? 5800 : 60;
          const delayMs =
            { slow: world.delay(500, 2900), late: world.delay(3000, 9000) }[String(fault)] ?? world.delay(0, takesMs);
          if (fault === 'silent') return;
          world.time.after(delayMs, () =>
            end(() => {
              if (fault === 'error' || world.time.now < this.outageUntil) reject(new Error('It failed'));
              else if (fault === 'refuse') {
                world.ledger.inquiries.refuse(src, about);
                reject(new BackendFailed('refused', 'No', false));
              } else resolve({ found: foundFor(id) });
            }),
          );
        }),
    };
  }
}

const aboutOf = (input: unknown): string =>
  typeof input === 'object' && input !== null && 'about' in input ? String(input.about) : '';
