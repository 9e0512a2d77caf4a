/** A fenced block of a page. */
export interface Block {
  /** The heading that it stands under. */
  readonly section: string;
  /** `sh`, `text`, …; empty: a drawing. */
  readonly language: string;
  /** Of the fence, counted from 1. */
  readonly line: number;
  /** What `# terminal N` on the first line says; null where there is no such line. */
  readonly terminal: string | null;
  /** Without that first line. */
  readonly lines: readonly string[];
}

/** The fenced blocks of a page, in order. */
export function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  let section = '';
  let fence: { readonly language: string; readonly line: number; readonly lines: string[] } | null = null;
  for (const [i, line] of page.split('\n').entries()) {
    const mark = /^```(\w*)$/.exec(line);
    if (fence !== null && mark !== null) {
      const terminal = /^# terminal (\w+)$/.exec(fence.lines[0] ?? '')?.[1] ?? null;
      const lines = terminal === null ? fence.lines : fence.lines.slice(1);
      blocks.push({ section, language: fence.language, line: fence.line, terminal, lines });
      fence = null;
    } else if (fence !== null) fence.lines.push(line);
    else if (mark !== null) fence = { language: mark[1] ?? '', line: i + 1, lines: [] };
    else if (line.startsWith('#')) section = line.replace(/^#+ /, '');
  }
  if (fence !== null) throw new Error(`The block of line ${fence.line} does not end`);
  return blocks;
}

/** The commands of a block: a line each, or more where they end in a backslash. */
export function commandsOf({ lines }: Block): string[] {
  const text = lines.join('\n').replaceAll('\\\n', '\0');
  return text.split('\n').map((command) => command.replaceAll('\0', '\\\n'));
}

const literally = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** What a block of expected output matches: `…` stands for anything on its line, and alone on a line for any lines. */
export function patternOf(lines: readonly string[]): RegExp {
  const escaped = (line: string) => line.split('…').map(literally).join('.*');
  const source = lines.map((line) => (line === '…' ? '(?:.*\\n)*?' : `${escaped(line)}(?:\\n|(?![\\s\\S]))`));
  return new RegExp(`^${source.join('')}`, 'm');
}

/** The rows of the table under a heading, cell by cell, without its head. */
export function tableOf(page: string, section: string): string[][] {
  const [, after = ''] = page.split(`\n## ${section}\n`);
  const rows = (after.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** A cell's code: `` `a`, `b` `` as [a, b]. */
export const codesIn = (cell: string | undefined): string[] =>
  [...(cell ?? '').matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
