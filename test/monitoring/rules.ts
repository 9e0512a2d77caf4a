import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { evaluate, type Scrape, scrapeOf } from './promql.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'docs', 'monitoring');

export const rulesText = readFileSync(join(FOLDER, 'alerts.yml'), 'utf8');
export const docText = readFileSync(join(FOLDER, '..', 'monitoring.md'), 'utf8');
export const dashboardText = readFileSync(join(FOLDER, 'dashboard.json'), 'utf8');

/** The expression of each alert, by its name. */
export const RULES: ReadonlyMap<string, string> = new Map(
  [...rulesText.matchAll(/- alert: (\w+)\n +expr: (.+)\n/g)].map(([, name = '', expression = '']) => [
    name,
    expression,
  ]),
);

/** The alerts whose condition holds after these scrapes; the times that some wait before they fire are left out. */
export const firing = (scrapes: readonly Scrape[]): string[] =>
  [...RULES]
    .filter(([, expression]) => {
      const value = evaluate(expression, scrapes);
      return typeof value === 'number' ? value === 1 : value.length > 0;
    })
    .map(([name]) => name);

/** Scrapes as Prometheus does: a server that does not answer is noted too. The time is the server's own. */
export async function scrape(url: string, key: string): Promise<Scrape> {
  const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${key}` } }).catch(() => null);
  if (response === null) return scrapeOf(null, 0);
  if (!response.ok) throw new Error(`/metrics answered ${response.status}`);
  return scrapeOf(await response.text(), Date.parse(response.headers.get('date') ?? '') / 1000);
}

/** The same scrape, had it been made so many seconds later: of figures that are times. */
export const later = ({ time, samples }: Scrape, seconds: number): Scrape => ({ time: time + seconds, samples });
