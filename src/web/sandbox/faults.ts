import type { Fault } from '../../sandbox/sandbox.ts';
import { html } from '../ui/html.ts';
import { Icon } from '../ui/icon.ts';
import * as answers from './answers.ts';
import { Menu } from './menu.ts';
import { attempt, faults, offline } from './world.ts';

type Given = Parameters<typeof answers.addFault>[0];

/** What may go wrong with the bot's next call. Those for a chat leave other chats alone. */
const CHOICES: readonly { readonly label: string; readonly about: string; readonly fault: (chat: number) => Given }[] =
  [
    {
      label: 'Too many messages: 429, this chat',
      about: 'Telegram refuses the next one and says to wait 5 s.',
      fault: (chat_id) => ({ method: '*', chat_id, kind: 'error', retry_after: 5 }),
    },
    {
      label: 'Too many messages: 429, any chat',
      about: 'The same for the next message, wherever it goes.',
      fault: () => ({ method: 'sendMessage', kind: 'error', retry_after: 5 }),
    },
    {
      label: 'Lost answer',
      about: 'The message arrives, the answer does not: nobody can tell, so it is unknown.',
      fault: (chat_id) => ({ method: '*', chat_id, kind: 'lost_answer' }),
    },
    {
      label: 'No answer in time',
      about: 'Telegram keeps silent. After 30 s the message is unknown.',
      fault: (chat_id) => ({ method: '*', chat_id, kind: 'timeout' }),
    },
    {
      label: 'Server error',
      about: 'Telegram answers 500 once. The message is sent again.',
      fault: (chat_id) => ({ method: '*', chat_id, kind: 'error', error_code: 500 }),
    },
    {
      label: 'Connection cut',
      about: 'The call breaks off before it is carried out: as far as the bot can tell, unknown.',
      fault: (chat_id) => ({ method: '*', chat_id, kind: 'reset' }),
    },
  ];

/** Chooses what goes wrong next. */
export function FaultMenu({ chat }: { readonly chat: number }) {
  return html`
    <${Menu} label="Make something go wrong" sign=${html`<${Icon} name="trouble" />`}>
      <h2>Make something go wrong</h2>
      ${CHOICES.map(
        ({ label, about, fault }) =>
          html`<button type="button" class="button quiet choice" onClick=${() => attempt(() => answers.addFault(fault(chat)))}>${label}<span class="muted">${about}</span></button>`,
      )}
      <button type="button" class="button quiet choice" disabled=${offline.value} onClick=${() => attempt(() => answers.setOffline(true))}>Offline<span class="muted">Switchboard cannot reach Telegram until you switch it back. What is written meanwhile waits.</span></button>
    <//>
  `;
}

/** What is going to go wrong, and a way out. */
export function Troubles() {
  const pending = faults.value;
  return html`
    ${
      offline.value
        ? html`<p class="notice strip" role="status"><span>Offline: Switchboard cannot reach Telegram. Once back, it tries again within a minute at most.</span><button type="button" class="button" onClick=${() => attempt(() => answers.setOffline(false))}>Go online</button></p>`
        : null
    }
    ${
      pending.length > 0
        ? html`<p class="notice strip" role="status"><span>Goes wrong next: ${pending.map(told).join(' · ')}</span><button type="button" class="button" onClick=${() => attempt(answers.clearFaults)}>Clear</button></p>`
        : null
    }
  `;
}

function told({ kind, errorCode, retryAfterS, chatId, timesLeft, method }: Fault): string {
  const what =
    kind === 'error'
      ? `${errorCode}${retryAfterS === undefined ? '' : `, wait ${retryAfterS} s`}`
      : kind.replace('_', ' ');
  const where = chatId === undefined ? (method === '*' ? 'any call' : method) : `chat ${chatId}`;
  return `${what} (${where})${timesLeft > 1 ? ` × ${timesLeft}` : ''}`;
}
