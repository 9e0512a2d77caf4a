export type PageName = 'sandbox' | 'console' | 'inspector';

interface Part {
  /** Relative: a proxy may serve it below a path of its own. */
  readonly address: string;
  readonly title: string;
  readonly what: string;
  readonly whom: string;
}

const PARTS: Readonly<Record<PageName, Part>> = {
  sandbox: {
    address: 'sandbox',
    title: 'Sandbox',
    what: 'Chat with the bot as a pretend user, and see beside the chat what Switchboard did with each message.',
    whom: 'For everybody who tries a conversation. Needs no key.',
  },
  console: {
    address: 'console',
    title: 'Console',
    what: 'Read chats as they happen, search them, write to users, and decide about messages whose answer was lost.',
    whom: 'For the people who run the bot. Needs a key.',
  },
  inspector: {
    address: 'inspector',
    title: 'Inspector',
    what: 'See each statechart drawn, where every chat stands in it, and step through a chat\u2019s life.',
    whom: 'For those who write conversations. Needs an admin key.',
  },
};

const DOCS: Part = {
  address: 'docs',
  title: 'HTTP API',
  what: 'Every address with its parameters and answers, to read and to try out.',
  whom: 'For those who write programs that read events or send messages.',
};

const partsOf = (pages: readonly { readonly name: PageName }[]): readonly Part[] => [
  ...pages.map(({ name }) => PARTS[name]),
  DOCS,
];

/** What `/` answers to programs. The addresses are relative to its own. */
export const startAnswer = (pages: readonly { readonly name: PageName }[]) => ({
  name: 'Switchboard',
  pages: Object.fromEntries(pages.map(({ name }) => [name, PARTS[name].address])),
  docs: DOCS.address,
  openapi: 'openapi.json',
  health: 'readyz',
});

/** What `/` answers to a browser: what there is here, and for whom. It runs nothing. */
export const startDocument = (pages: readonly { readonly name: PageName }[]): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Switchboard</title>
<link rel="icon" href="assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="assets/theme.css">
<link rel="stylesheet" href="assets/start/page.css">
</head>
<body>
<main>
<header><img class="mark" src="assets/icon.svg" alt=""><h1>Switchboard</h1></header>
<p class="muted">It holds the token of one Telegram bot, runs a statechart for each chat, streams events to readers and sends messages for programs.</p>
<ul>
${partsOf(pages).map(cardOf).join('\n')}
</ul>
${pages.some(({ name }) => name === 'inspector') ? '' : '<p class="muted">The inspector is served if <code>SWITCHBOARD_INSPECT=1</code> is set.</p>'}
</main>
</body>
</html>
`;

const cardOf = ({ address, title, what, whom }: Part): string =>
  `<li><a class="panel" href="${address}"><h2>${title}</h2><p>${what}</p><p class="muted">${whom}</p></a></li>`;
