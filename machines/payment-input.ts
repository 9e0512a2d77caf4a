/** What a user asks to pay. Amounts are text with two decimals: a float would lose cents. */
export interface Payment {
  readonly amount: string;
  /** Three letters, as ISO 4217 writes them. Whether it can be paid in is the backend's to say. */
  readonly currency: string;
  readonly recipient: string;
}

export type PaymentReading =
  | { readonly ok: true; readonly payment: Payment }
  /** `problem` is one sentence for the user: what is wrong, and how to write it. */
  | { readonly ok: false; readonly problem: string };

export interface Command {
  readonly name: string;
  /** What stands behind it, trimmed. */
  readonly rest: string;
}

/** Digits before the decimal point: beyond a million nobody types an amount into a chat on purpose. */
const WHOLE_DIGITS_MAX = 6;
const RECIPIENT_LENGTH_MAX = 64;
/** An IBAN has at most 34 characters (ISO 13616), in groups of four where people copy it from paper. */
const WORDS_MAX = 3 + 9;

/** Reads `/name rest` and `/name@BotName rest`; null where the text is no command. */
export function readCommand(text: string): Command | null {
  const match = /^\/([a-z0-9_]{1,32})(?:@\w{1,32})?(?:\s+([\s\S]*))?$/i.exec(text.trim());
  return match?.[1] === undefined ? null : { name: match[1].toLowerCase(), rest: (match[2] ?? '').trim() };
}

/** Reads what stands behind /pay: `<amount> <currency> <recipient>`. */
export function readPayment(rest: string): PaymentReading {
  const [amountWord, currencyWord, ...recipientWords] = rest
    .split(/\s+/)
    .filter(Boolean)
    .slice(0, WORDS_MAX + 1);
  if (amountWord === undefined) return wrong('The amount, the currency and the recipient are missing.');
  const amount = readAmount(amountWord);
  if (!amount.ok) return amount;
  if (currencyWord === undefined) return wrong('The currency and the recipient are missing.');
  if (!/^[a-z]{3}$/i.test(currencyWord)) {
    return wrong(`${quote(currencyWord)} is not a currency: write its three letters, such as EUR.`);
  }
  if (recipientWords.length === 0) return wrong('The recipient is missing.');
  const recipient = readRecipient(recipientWords);
  if (!recipient.ok) return recipient;
  return {
    ok: true,
    payment: { amount: amount.value, currency: currencyWord.toUpperCase(), recipient: recipient.value },
  };
}

/** A user's own words, fit to be shown back: bounded, on one line, without invisible or direction-changing characters. */
export function quote(words: string, lengthMax = 40): string {
  return `“${clip(words, lengthMax)}”`;
}

/** At most so many characters on one line, never half of one. */
export function clip(words: string, lengthMax: number): string {
  // Cut roughly first: the words may be megabytes, and only the beginning is shown.
  const characters = Array.from(words.slice(0, lengthMax * 4).replace(/[\p{C}\s]+/gu, ' '));
  const shown = characters.length > lengthMax ? [...characters.slice(0, lengthMax - 1), '…'] : characters;
  return shown.join('').trim();
}

type Field = { readonly ok: true; readonly value: string } | { readonly ok: false; readonly problem: string };

const wrong = (problem: string) => ({ ok: false, problem }) as const;

function readAmount(word: string): Field {
  const match = /^(\d+)(?:[.,](\d{1,2}))?$/.exec(word);
  if (match?.[1] === undefined) {
    return wrong(
      `${quote(word)} is not an amount: write a number above 0 with at most two decimals and no separators, such as 12.50.`,
    );
  }
  const whole = match[1].replace(/^0+(?=\d)/, '');
  const amount = `${whole}.${(match[2] ?? '').padEnd(2, '0')}`;
  if (whole.length > WHOLE_DIGITS_MAX) {
    return wrong(`${quote(word)} is too much: the amount must be below ${'1'.padEnd(WHOLE_DIGITS_MAX + 1, '0')}.`);
  }
  return amount === '0.00' ? wrong('The amount must be above 0.') : { ok: true, value: amount };
}

function readRecipient(words: readonly string[]): Field {
  const joined = words.join('');
  if (/^[a-z]{2}\d{2}[a-z0-9]{11,30}$/i.test(joined)) {
    const iban = joined.toUpperCase();
    if (isIban(iban)) return { ok: true, value: iban };
    return wrong(`${quote(iban)} looks like an IBAN, but its check digits are wrong: compare it with the original.`);
  }
  if (words.length > 1) {
    return wrong(
      `${quote(words.join(' '))} is more than one word: write the recipient as one, such as @anna or an IBAN.`,
    );
  }
  if (joined.length > RECIPIENT_LENGTH_MAX || !/^@?[\p{L}\p{N}][\p{L}\p{N}\p{M}._+@-]*$/u.test(joined)) {
    return wrong(
      `${quote(joined)} is not a recipient: write a @name, an IBAN or an account name of at most ${RECIPIENT_LENGTH_MAX} letters and digits.`,
    );
  }
  return { ok: true, value: joined };
}

/** ISO 7064 mod 97-10: one wrong or two swapped characters never pass. */
function isIban(iban: string): boolean {
  let remainder = 0;
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    for (const digit of Number.parseInt(character, 36).toString()) remainder = (remainder * 10 + Number(digit)) % 97;
  }
  return remainder === 1;
}
