import { SwitchboardError } from '../../src/errors.ts';
import type { World } from './world.ts';

/** Whoever looks after quarantined chats. */
export class ModelTechnician {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** Has a conversation stepped again, that stands still as far as is known. */
  retry(id: string): void {
    const world = this.#world;
    const process = world.serving;
    if (process === null) return;
    const head = world.journalled.length;
    world.trace(`retries ${id}`);
    process.system.conversations.retry(id).then(
      ({ id: retried, status }) => {
        if (process.dead) return;
        const type = status === 'quarantined' ? 'chat.quarantined' : 'chat.resumed';
        const told = world.journalled
          .slice(head)
          .some((entry) => entry.type === type && (JSON.parse(entry.body).conversation ?? entry.chat) === retried);
        if (!told) world.violate('I8', `the retry of ${id} came to ${status}, and no entry says so`);
      },
      (error: unknown) => {
        if (process.dead || !(error instanceof SwitchboardError)) return;
        const known = error.code === 'not_found' || error.code === 'chat_not_retryable';
        const stands = world.ledger.talks.get(world.ledger.idOf(id))?.quarantined === true;
        if (known && stands) world.violate('I8', `${id} stands still, and its retry says ${error.message}`);
      },
    );
  }
}
