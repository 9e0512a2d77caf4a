import { signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { BASE_PATH, call, fieldsOf, keepSession, Problem, reasonOf } from './api.ts';
import { html } from './html.ts';

/** Who is logged in. */
export interface Who {
  /** The key's. */
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly scopes: readonly string[];
  readonly chats: readonly string[] | null;
}

/** `undefined`: not known yet; null: nobody. */
export const who = signal<Who | null | undefined>(undefined);

const whoOf = (answer: unknown): Who => {
  const { id, name, role, scopes, chats } = fieldsOf(answer);
  return {
    id: String(id),
    name: String(name),
    role: String(role),
    scopes: Array.isArray(scopes) ? scopes.map(String) : [],
    chats: Array.isArray(chats) ? chats.map(String) : null,
  };
};

/** Asks who is logged in. A key that has been revoked meanwhile logs out. */
export async function refreshWho(): Promise<void> {
  try {
    who.value = whoOf(await call('v1/session'));
  } catch (error) {
    if (error instanceof Problem && error.status === 401) who.value = null;
  }
}

/** To be told of whatever was refused: the key may have ended, or the browser have another one by now. */
export function noteRefusal(error: unknown): void {
  if (error instanceof Problem && (error.status === 401 || error.status === 403)) void refreshWho();
}

/** A browser has one log-in for all its tabs: each tells the others when it changes. */
const otherTabs = new BroadcastChannel('switchboard log-in');
otherTabs.addEventListener('message', () => {
  // The sandbox asks nobody who they are.
  if (who.value !== undefined) void refreshWho();
});

function changeTo(now: Who | null): void {
  who.value = now;
  otherTabs.postMessage('changed');
}

/** Logs in with a key. Rejects with a Problem, or as `call` does. */
async function logIn(key: string): Promise<void> {
  const body = { key, below_path: BASE_PATH !== '/' };
  const { page } = fieldsOf(await call('v1/session', { method: 'POST', body }));
  keepSession(String(page));
  try {
    changeTo(whoOf(await call('v1/session')));
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401) throw error;
    const reason = 'The browser did not keep the cookie of the log-in: allow cookies for this site';
    throw new Problem(error.status, error.code, reason, null);
  }
}

/** Logs out. Resolves with why not; null: it is done. */
export async function logOut(): Promise<string | null> {
  try {
    await call('v1/session', { method: 'DELETE' });
  } catch (error) {
    return `Still logged in: ${reasonOf(error)}`;
  }
  keepSession(null);
  changeTo(null);
  return null;
}

const ANY_OF = new Intl.ListFormat('en', { type: 'disjunction' });

/** The form that asks for a key. `roles`: those that may, the one to make first. */
export function Login({ roles }: { readonly roles: readonly [string, ...string[]] }) {
  const [key, setKey] = useState('');
  const [failure, setFailure] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setFailure('');
    try {
      await logIn(key.trim());
    } catch (error) {
      setFailure(reasonOf(error));
    }
    setBusy(false);
  };
  return html`
    <form class="login panel" onSubmit=${submit}>
      <h1>Log in</h1>
      <p class="muted">This page needs a key of the role ${ANY_OF.format(roles)}. Where Switchboard is installed, with the same settings as the server, this makes one:</p>
      <pre class="command"><code>npx switchboard keys create --role ${roles[0]} --name me</code></pre>
      <label>
        Key
        <input type="password" autocomplete="current-password" required value=${key}
          onInput=${(event: InputEvent) => setKey((event.target as HTMLInputElement).value)} />
      </label>
      ${failure === '' ? null : html`<p class="notice bad" role="alert">${failure}</p>`}
      <button class="button primary" disabled=${busy}>Log in</button>
    </form>
  `;
}
