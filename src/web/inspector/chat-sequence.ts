import type { Chart, Standing, TravelStep } from '../../inspector/inspector.ts';
import { fieldsOf } from '../ui/api.ts';
import { html } from '../ui/html.ts';
import { moveOf } from './difference.ts';
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
  const rows = steps.flatMap((step, n) =>
    rowsOf(step, n, n === 0 ? life.before.value : (steps[n - 1]?.after ?? null), chart),
  );
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

function rowsOf(step: TravelStep, n: number, before: Standing | null, chart: Chart | null): SequenceRow[] {
  const rows: Omit<SequenceRow, 'key' | 'time'>[] = [];
  const message = (from: string, to: string, label: string, about = '', tone: Pick<SequenceRow, 'tone'> = {}): void =>
    void rows.push({ kind: 'message', from, to, label, about, ...tone });
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
    message('chat', 'user', String(method), typeof words === 'string' ? words.replaceAll('\n', ' ') : '');
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
