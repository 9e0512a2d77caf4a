/**
 * The characters that a text has at least, once Telegram has parsed its entities: what its markup may take away is not
 * counted. A character is a code point: an emoji counts as one. White space around it goes, as at Telegram.
 */
export function leastLength(text: string, parseMode: unknown): number {
  const bare = parseMode === undefined ? text : parseMode === 'HTML' ? withoutTags(text) : withoutMarks(text);
  return lengthOf(bare.trim());
}

/** Telegram counts code points, not UTF-16 units. */
function lengthOf(text: string): number {
  let pairs = 0;
  for (let i = 0; i < text.length - 1; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit < 0xd800 || unit > 0xdbff) continue;
    const next = text.charCodeAt(i + 1);
    if (next >= 0xdc00 && next <= 0xdfff) pairs += 1;
  }
  return text.length - pairs;
}

/** Without `<tags>`, and each `&entity;` as one character. What an unclosed one would take counts for nothing. */
const withoutTags = (html: string): string => cut(cut(html, '<', '>', ''), '&', ';', '_');

/** Without the characters that Markdown may take, and the addresses of its links. */
const withoutMarks = (markdown: string): string =>
  cut(markdown, '](', ')', '').replace(/[\\_*`~|>[\]()#+=\-{}.!]/g, '');

/** Every `open…close` replaced, in one pass: the text may be a megabyte of them. */
function cut(text: string, open: string, close: string, by: string): string {
  let kept = '';
  for (let at = 0; ; ) {
    const from = text.indexOf(open, at);
    if (from < 0) return kept + text.slice(at);
    kept += text.slice(at, from);
    const to = text.indexOf(close, from);
    if (to < 0) return kept;
    kept += by;
    at = to + close.length;
  }
}
