import { useEffect, useState } from 'preact/hooks';
import type { Chart, Standing, TravelStep } from '../../inspector/inspector.ts';
import { fieldsOf } from '../ui/api.ts';
import { html } from '../ui/html.ts';
import { moveOf } from './difference.ts';
import { followFates, type Message } from './fates.ts';
import { short } from './json.ts';
import type { Life } from './life.ts';
import { type Lane, Sequence, type SequenceRow } from './sequence.ts';
import { eventText, timerName } from './steps.ts';

const LANES: readonly Lane[] = [
  { name: 'user', outside: true },
  { name: 'chat' },
  { name: 'timers', outside: true },
  { name: 'backend', outside: true },
  { name: 'aggregators', outside: true },
];
/** Who hears what a conversation emits: most emit nothing. */
const OPERATORS: Lane = { name: 'operators', outside: true };

/** Who an entry of this type comes from. */
const SOURCES: Readonly<Record<string, string>> = {
  'update.received': 'user',
  'timer.fired': 'timers',
  'request.answered': 'backend',
  'event.received': 'aggregators',
};

/** A chat's life as a sequence: what came, what it did, what it sent; of each step, from its journal. */
export function ChatSequence({ life, chart }: { readonly life: Life; readonly chart: Chart | null }) {
  const steps = life.steps.value;
  const messages = useMessages(life.chat, Math.ceil(steps[0]?.seq ?? 0));
  const fateOf = createMatcher(messages);
  const rows = steps.flatMap((step, n) => {
    const before = n === 0 ? life.before.value : (steps[n - 1]?.after ?? null);
    const until = steps[n + 1]?.seq ?? Number.POSITIVE_INFINITY;
    return rowsOf(step, n, before, chart, (method, params) => fateOf(method, params, step.seq, until));
  });
  const lanes = rows.some(({ to }) => to === OPERATORS.name) ? [...LANES, OPERATORS] : LANES;
  const at = life.at.value;
  const choose = (key: string | number): void => life.to(Number(String(key).split('.')[0]));
  return html`
    ${
      life.earlier.value
        ? html`<div class="sequence-tools"><button class="button" type="button" onClick=${life.loadEarlier}>Earlier steps</button></div>`
        : null
    }
    <${Sequence} name="Message sequence of chat ${life.chat}" lanes=${lanes} rows=${rows} chosen=${at === null ? null : `${at}.0`}
      onChoose=${choose} follow=${at === null} empty="Nothing has come to this chat yet." />
  `;
}

/** What has become of the chat's messages, of those since a seq. */
function useMessages(conversation: string, since: number): ReadonlyMap<number, Message> {
  const [fates, setFates] = useState<ReturnType<typeof followFates> | null>(null);
  useEffect(() => {
    if (since === 0) return undefined;
    const made = followFates(conversation.replace(/:.*/, ''), since);
    setFates(made);
    return () => made.close();
  }, [conversation, since]);
  return fates?.messages.value ?? new Map();
}

type Fate = NonNullable<SequenceRow['fate']>;
const TONES: Readonly<Record<string, Fate['tone']>> = { sent: 'good', failed: 'bad', expired: 'bad', unknown: 'warn' };

/** Finds a message that a step handed over: of the same words, accepted between it and the next. Gives each once. */
function createMatcher(messages: ReadonlyMap<number, Message>) {
  const open = new Map<string, Message[]>();
  for (const message of messages.values()) {
    const words = `${message.method} ${message.params}`;
    open.set(words, [...(open.get(words) ?? []), message]);
  }
  return (method: string, params: unknown, from: number, until: number): Fate | null => {
    const alike = open.get(`${method} ${JSON.stringify(params)}`) ?? [];
    const at = alike.findIndex(({ seq }) => seq > from && seq < until);
    const [found] = at === -1 ? [] : alike.splice(at, 1);
    return found === undefined ? null : { text: found.status, tone: TONES[found.status] ?? '' };
  };
}

function rowsOf(
  step: TravelStep,
  n: number,
  before: Standing | null,
  chart: Chart | null,
  fateOf: (method: string, params: unknown) => Fate | null,
): SequenceRow[] {
  const rows: Omit<SequenceRow, 'key' | 'time'>[] = [];
  const message = (from: string, to: string, label: string, about = '', more: Pick<SequenceRow, 'fate'> = {}): void =>
    void rows.push({ kind: 'message', from, to, label, about, ...more });
  const { title, about } = eventText(step, chart);
  if (step.cause === 'note')
    rows.push({ kind: 'note', from: 'chat', to: 'chat', label: about, about: '', tone: 'warn' });
  else message(SOURCES[step.cause] ?? 'aggregators', 'chat', title, about);

  const ways = (chart?.nodes ?? []).flatMap(({ transitions }) => transitions);
  const actions = step.transitions.flatMap((id) => ways.find((way) => way.id === id)?.actions ?? []);
  if (actions.length > 0) message('chat', 'chat', actions.join(', '));
  const told = step.told.map(fieldsOf);
  for (const { method, params } of told.filter(({ type }) => type === 'message.accepted')) {
    const { text, caption } = fieldsOf(params);
    const words = text ?? caption;
    const fate = fateOf(String(method), params);
    const about = typeof words === 'string' ? words.replaceAll('\n', ' ') : '';
    message('chat', 'user', String(method), about, fate === null ? {} : { fate });
  }
  for (const { id, due_at: due } of step.after.timers) {
    if (before?.timers.some((one) => one.id === id && one.due_at === due)) continue;
    message('chat', 'timers', timerName(id), `due ${timeOf(due)}`);
  }
  for (const { id, src, input } of step.after.requests)
    if (!before?.requests.some((one) => one.id === id)) message('chat', 'backend', src, short(input));
  for (const { event } of told.filter(({ type }) => type === 'chat.emitted'))
    message('chat', 'operators', String(fieldsOf(event).type ?? 'emit'), short(event));
  for (const { error } of told.filter(({ type }) => type === 'chat.quarantined'))
    rows.push({ kind: 'note', from: 'chat', to: 'chat', label: `quarantined: ${error}`, about: '', tone: 'bad' });
  const move = moveOf(before?.state ?? null, step.after.state);
  if (move !== null) rows.push({ kind: 'state', from: 'chat', to: 'chat', label: move.to, about: '' });
  const time = step.seq === 0 ? '' : timeOf(step.at);
  return rows.map((row, k) => ({ ...row, key: `${n}.${k}`, time: k === 0 ? time : '' }));
}

const timeOf = (at: string): string => new Date(at).toLocaleTimeString([], { hour12: false });
