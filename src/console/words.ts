import { limits } from '../limits.ts';

/**
 * Search over any language. FTS5's unicode61 takes a word for what stands between spaces and signs, without accents; that
 * serves scripts with spaces, and finds a word by its beginning. Scripts without spaces, and emoji, are taken sign by
 * sign, and what is asked for as signs in a row. Trigrams would find the middle of words too, but no word of two signs,
 * as most Chinese ones are, and their index is some three times as large and as slow.
 */
const APART =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Extended_Pictographic}\p{Regional_Indicator}]/gu;

/** FTS5's tokenizer, to which `searchable` speaks: letters, marks, numbers, and signs such as emoji. */
export const TOKENIZER = "unicode61 remove_diacritics 2 categories 'L* M* N* Co So'";

/** What is no part of a word. SQLite's own tables are of an older Unicode: it is not left to them. */
const BETWEEN = /[^\p{L}\p{M}\p{N}\p{Co}\p{So}]+/gu;

/** A text as the index takes it in. */
export const searchable = (text: string): string =>
  text.slice(0, limits.consoleTextLengthMax).replace(APART, ' $& ').replace(BETWEEN, ' ');

/** A chat as a word of the index. */
export const chatWord = (chat: string): string => `chat${chat.replace('-', 'm').replace(/[^a-z0-9]/gi, 'x')}`;

const WORD = /[\p{L}\p{M}\p{N}\p{Co}\p{So}]+/gu;

/** What is looked for, part by part: signs in a row; `whole` where nothing may follow. */
interface Part {
  readonly words: readonly string[];
  readonly whole: boolean;
}

function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  const asked = text.slice(0, limits.consoleSearchLengthMax);
  for (const [, quoted, plain] of asked.matchAll(/"([^"]*)"|([^\s"]+)/gu)) {
    const words = searchable(quoted ?? plain ?? '').match(WORD) ?? [];
    if (words.length > 0) parts.push({ words, whole: quoted !== undefined });
  }
  return parts;
}

/**
 * A search as FTS5 takes it; null where it holds nothing to look for. Every word is given in quotes, so that no sign of it
 * is an operator.
 */
export function matchOf(text: string, chats: readonly string[] | null): string | null {
  const parts = partsOf(text).map(({ words, whole }) => `"${words.join(' ')}"${whole ? '' : '*'}`);
  if (parts.length === 0 || chats?.length === 0) return null;
  const within = chats === null ? '' : ` AND {chat} : (${chats.map((chat) => `"${chatWord(chat)}"`).join(' OR ')})`;
  return `{text} : (${parts.join(' AND ')})${within}`;
}

const plain = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

const PIECE = /[\p{L}\p{M}\p{N}\p{Co}\p{So}]+|[^\p{L}\p{M}\p{N}\p{Co}\p{So}]+/gu;

/** Signs of a snippet before its first hit. */
const LEAD = 40;

/** The part of a text around its first hit, cut into what was looked for and what was not. */
export function snippetOf(text: string, asked: string): { text: string; hit: boolean }[] {
  const wanted = partsOf(asked).flatMap(({ words }) => words.map(plain));
  const pieces = [...text.slice(0, limits.consoleTextLengthMax).matchAll(PIECE)]
    // Signs that are words by themselves are told apart as they were taken in.
    .flatMap(([piece]) => (piece.search(APART) >= 0 ? [...piece] : [piece]))
    .map((piece) => {
      const own = plain(piece);
      return { text: piece, hit: wanted.some((word) => own.startsWith(word)) };
    });
  const first = Math.max(
    0,
    pieces.findIndex(({ hit }) => hit),
  );
  let [begin, before] = [first, 0];
  while (begin > 0 && before < LEAD) {
    begin -= 1;
    before += pieces[begin]?.text.length ?? 0;
  }
  const shown: { text: string; hit: boolean }[] = begin > 0 ? [{ text: '…', hit: false }] : [];
  let length = 0;
  for (const piece of pieces.slice(begin)) {
    if (length >= limits.consolePreviewLengthMax) {
      shown.push({ text: '…', hit: false });
      break;
    }
    length += piece.text.length;
    const last = shown.at(-1);
    const cut = { ...piece, text: piece.text.slice(0, limits.consolePreviewLengthMax) };
    if (last?.hit === cut.hit) last.text += cut.text;
    else shown.push(cut);
  }
  return shown;
}
