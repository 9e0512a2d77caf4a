import type {
  ConversationRecord,
  MessageRecord,
  NewEntry,
  RequestRecord,
  TimerRecord,
  Tx,
} from '../../src/journal/journal.ts';

/** Rows as the journal takes them, plain but for what a test says of them. */
export const entry = (text: string, more: Partial<NewEntry> = {}): NewEntry => ({
  type: 'event.received',
  chat: '7',
  body: JSON.stringify({ text }),
  ...more,
});

export const update = (updateId: number): NewEntry =>
  entry(`update ${updateId}`, { type: 'update.received', updateId, body: `{"update":{"update_id":${updateId}}}` });

export const conversation = (id: string, more: Partial<ConversationRecord> = {}): ConversationRecord => ({
  id,
  chat: id.replace(/:.*/, ''),
  machine: 'payment',
  version: '1',
  status: 'active',
  state: '"idle"',
  snapshot: '{"value":"idle"}',
  error: null,
  lastSeq: 1,
  updatedAt: 5,
  ...more,
});

export const timer = (conversation: string, id: string, dueAt: number): TimerRecord => ({
  conversation,
  id,
  dueAt,
  event: `{"type":"${id}"}`,
});

export const request = (id: string, conversation: string, invoke = 'open'): RequestRecord => ({
  id,
  conversation,
  invoke,
  src: 'openPayment',
  input: '{"amount":1}',
  createdAt: 5,
});

/** Accepts a message: its entry and its row. Due at once and queued unless a test says otherwise. */
export function accept(tx: Tx, more: Partial<MessageRecord> = {}): MessageRecord {
  const chat = more.chat ?? '7';
  const seq = tx.append(entry('accepted', { type: 'message.accepted', chat }));
  const message: MessageRecord = {
    seq,
    chat,
    order: 'chat',
    method: 'sendMessage',
    counted: true,
    params: `{"text":"message ${seq}"}`,
    status: 'queued',
    priority: 1,
    dueAt: tx.now,
    expiresAt: null,
    onUnknown: 'hold',
    keyId: null,
    attempts: 0,
    telegramMessageId: null,
    error: null,
    files: null,
    createdAt: tx.now,
    updatedAt: tx.now,
    ...more,
  };
  tx.addMessage(message);
  return message;
}
