/** One scrape: what Prometheus would store of it. */
export interface Scrape {
  /** Seconds since 1970. */
  readonly time: number;
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Reads the text form of /metrics. `up`: the scrape succeeded, as Prometheus notes it. */
export function scrapeOf(text: string | null, time: number): Scrape {
  const job = { job: 'switchboard' };
  const samples: Sample[] = [{ name: 'up', labels: job, value: text === null ? 0 : 1 }];
  for (const line of (text ?? '').split('\n')) {
    const [, name, inBraces = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) continue;
    samples.push({ name, labels: { ...job, ...labelsIn(inBraces) }, value: Number(value) });
  }
  return { time, samples };
}

const labelsIn = (text: string): Record<string, string> =>
  Object.fromEntries([...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = '', value = '']) => [label, value]));

type Vector = readonly Sample[];
type Value = number | Vector;

/**
 * Evaluates what of PromQL the alert rules use: selectors with `=`, ranges in minutes, `time()`, `increase`, `changes`, `sum`,
 * `-`, `/` and comparisons. `increase` is the plain difference, without Prometheus's extrapolation. Throws on anything else.
 */
export function evaluate(expression: string, scrapes: readonly Scrape[]): Value {
  const tokens = expression.match(/"[^"]*"|\d[\d.e]*m?|\w+|==|[-/<>(){}[\],=]/g) ?? [];
  if (tokens.join('') !== expression.replace(/\s/g, '')) throw new Error(`Not understood: ${expression}`);
  const last = scrapes.at(-1);
  if (last === undefined) throw new Error('There is no scrape');
  let at = 0;
  const peek = (): string => tokens[at] ?? '';
  const take = (wanted?: string): string => {
    const token = tokens[at++] ?? 'the end';
    if (wanted !== undefined && token !== wanted) throw new Error(`${token} in place of ${wanted}: ${expression}`);
    return token;
  };
  const binary = (operators: readonly string[], operand: () => Value) => (): Value => {
    let left = operand();
    while (operators.includes(peek())) left = combine(take(), left, operand());
    return left;
  };
  const divided = binary(['/'], primary);
  const subtracted = binary(['-'], divided);
  const compared = binary(['<', '>', '=='], subtracted);

  function primary(): Value {
    const token = take();
    if (/^\d/.test(token)) return Number(token);
    if (token === '(') return inParentheses();
    if (token === 'time') {
      take('(');
      take(')');
      return last?.time ?? 0;
    }
    if (token === 'sum') {
      take('(');
      const terms = inParentheses();
      if (typeof terms === 'number') throw new Error(`sum of a number: ${expression}`);
      return terms.length === 0
        ? []
        : [{ name: '', labels: {}, value: terms.reduce((sum, { value }) => sum + value, 0) }];
    }
    if (token === 'increase' || token === 'changes') {
      take('(');
      const series = range(take());
      take(')');
      return series.flatMap((values) => {
        const [first, newest] = [values[0], values.at(-1)];
        // A rate takes two samples.
        if (first === undefined || newest === undefined || values.length < 2) return [];
        const changes = values.slice(1).filter(({ value }, i) => value !== values[i]?.value).length;
        return [{ ...newest, name: '', value: token === 'changes' ? changes : newest.value - first.value }];
      });
    }
    return select(token, last?.samples ?? [], matchers());
  }

  function inParentheses(): Value {
    const value = compared();
    take(')');
    return value;
  }

  function matchers(): Record<string, string> {
    if (peek() !== '{') return {};
    const from = at;
    while (take() !== '}');
    return labelsIn(tokens.slice(from, at).join(''));
  }

  /** The samples within the range, by series. */
  function range(name: string): Vector[] {
    const wanted = matchers();
    take('[');
    const minutes = Number(take().replace(/m$/, ''));
    take(']');
    const series = new Map<string, Sample[]>();
    for (const { time, samples } of scrapes) {
      if (time <= (last?.time ?? 0) - minutes * 60) continue;
      for (const sample of select(name, samples, wanted)) {
        const key = JSON.stringify(sample.labels);
        series.set(key, [...(series.get(key) ?? []), sample]);
      }
    }
    return [...series.values()];
  }

  const value = compared();
  if (at < tokens.length) throw new Error(`Not understood: ${expression}`);
  return value;
}

const select = (name: string, samples: Vector, wanted: Record<string, string>): Vector =>
  samples.filter((s) => s.name === name && Object.entries(wanted).every(([label, value]) => s.labels[label] === value));

/** Comparisons keep the samples for which they hold; two vectors are matched by their labels. */
function combine(operator: string, left: Value, right: Value): Value {
  if (typeof left === 'number' && typeof right === 'number') return apply(operator, left, right);
  if (typeof left === 'number') {
    return (right as Vector).map((sample) => ({ ...sample, value: apply(operator, left, sample.value) }));
  }
  const other = (sample: Sample) =>
    typeof right === 'number'
      ? right
      : right.find((r) => JSON.stringify(r.labels) === JSON.stringify(sample.labels))?.value;
  return left.flatMap((sample) => {
    const to = other(sample);
    if (to === undefined) return [];
    const value = apply(operator, sample.value, to);
    if (operator === '-' || operator === '/') return [{ ...sample, value }];
    return value === 1 ? [sample] : [];
  });
}

function apply(operator: string, a: number, b: number): number {
  if (operator === '-') return a - b;
  if (operator === '/') return a / b;
  return Number(operator === '<' ? a < b : operator === '>' ? a > b : a === b);
}
