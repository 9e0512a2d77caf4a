import { computed, effect, signal } from '@preact/signals';
import { html } from '../ui/html.ts';
import type { Quarantined } from './answers.ts';
import * as answers from './answers.ts';
import { acts } from './chosen.ts';
import { room } from './world.ts';

/** The quarantined conversations of a chat, as they were read last. */
const known = signal<{ readonly chat: number; readonly found: readonly Quarantined[] } | null>(null);

const CHANGES = ['chat.quarantined', 'chat.resumed', 'chat.migrated'];
/** The last entry that may have changed them. */
const changedAt = computed(
  () =>
    (acts.value?.acts.value ?? []).flatMap(({ told }) => told).findLast(({ type }) => CHANGES.includes(type))?.seq ?? 0,
);

/** Reads them when a chat is opened, as it may have been quarantined long ago, and whenever that changes. */
export function followQuarantine(): void {
  effect(() => {
    const chat = room.value?.chat;
    changedAt.value;
    if (chat === undefined) return;
    answers.quarantined(chat).then(
      (found) => {
        if (room.peek()?.chat === chat) known.value = { chat, found };
      },
      () => {},
    );
  });
}

/** Where one writes to a quarantined chat: why nobody answers, and the way on. */
export function Quarantine() {
  const inConsole = document.body.dataset.pages?.split(' ').includes('console') === true;
  if (known.value === null || known.value.chat !== room.value?.chat) return null;
  return known.value.found.map(
    ({ id, error }) => html`
      <section class="notice bad strip quarantine" key=${id} aria-label="Quarantined">
        <p><b>This chat is quarantined: its machine failed, and what you write waits.</b> <span dir="auto">${error}</span></p>
        <p>Mend the machine and start Switchboard again. Then run <code>npx switchboard chats retry ${id}</code>${inConsole ? html`, or press Retry <a href=${`console#chat=${encodeURIComponent(id.split(':')[0] ?? '')}`}>in the console</a>` : null}.</p>
      </section>
    `,
  );
}
