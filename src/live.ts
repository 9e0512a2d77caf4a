import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { errorText } from './errors.ts';
import { FACTS, type Fact } from './live-facts.ts';
import { createTrial, type TrialOptions, waitedOut } from './live-trial.ts';
import { TelegramRefused } from './telegram/errors.ts';

export interface LiveOptions extends Omit<TrialOptions, 'onSent'> {
  readonly facts?: readonly Fact[];
}

export interface LiveFinding {
  readonly name: string;
  /** `unclear`: the trial did not tell, or Telegram's own docs say nothing certain. */
  readonly state: 'ok' | 'differs' | 'unclear';
  readonly docs: string;
  readonly seen: string;
}

const Info = Compile(Type.Object({ url: Type.String(), pending_update_count: Type.Integer() }));

/**
 * Tries against Telegram what Switchboard takes it to do, a finding a fact, in the order of the table. It sends to the
 * owner's chat alone, confirms no update of another one, and deletes what it has sent. Throws if updates cannot be read, or the
 * chat takes no messages.
 */
export async function* tryFacts(options: LiveOptions): AsyncGenerator<LiveFinding> {
  const { signal, facts = FACTS } = options;
  await refuseIfUnfit(options);
  const sent: number[] = [];
  const trial = createTrial({ ...options, onSent: (id) => void sent.push(id) });
  try {
    for (const { name, docs, ...fact } of facts) {
      if (signal.aborted) return;
      const { same, seen } = await fact.try(trial).catch((error: unknown) => ({ same: null, seen: errorText(error) }));
      const state = same === null ? 'unclear' : same ? 'ok' : 'differs';
      yield { name, state, docs, seen: seen.replace(/\s+/g, ' ') };
    }
  } finally {
    await deleteAll(options, sent);
  }
}

/** Trials read updates, and must take none from Switchboard. The bot must be able to write to the chat. */
async function refuseIfUnfit({ api, chat, clock }: LiveOptions): Promise<void> {
  const info = await api.call('getWebhookInfo', {});
  if (!Info.Check(info)) throw new Error('getWebhookInfo gave something else than it should');
  if (info.url !== '') throw new Error('a webhook is set for this bot, so that its updates cannot be read: remove it');
  if (info.pending_update_count > 0) {
    throw new Error(`${info.pending_update_count} updates wait: let Switchboard take them, stop it, and come again`);
  }
  // In a chat that takes nothing every trial would be refused, and look as if Telegram differed.
  const action = { chat_id: chat, action: 'typing' };
  await waitedOut(clock, () => api.call('sendChatAction', action)).catch((error: unknown) => {
    if (!(error instanceof TelegramRefused)) throw error;
    const advice =
      error.errorCode === 429 ? 'come again later' : 'check the id, and write to the bot once in that chat';
    throw new Error(`the bot cannot write to chat ${chat} (${error.description}): ${advice}`);
  });
}

/** Deletes in as few calls as Telegram takes, also after the owner has ended the trials. What it refuses stays. */
async function deleteAll({ api, chat, clock, say }: LiveOptions, sent: readonly number[]): Promise<void> {
  for (let begin = 0; begin < sent.length; begin += 100) {
    const message_ids = sent.slice(begin, begin + 100);
    await waitedOut(clock, () => api.call('deleteMessages', { chat_id: chat, message_ids })).catch((error: unknown) =>
      say(`the trials' messages stay in the chat: ${errorText(error)}`),
    );
  }
}
