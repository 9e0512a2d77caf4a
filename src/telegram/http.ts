import { openAsBlob } from 'node:fs';
import type { Socket } from 'node:net';
import type { FormData } from 'undici';
import type { Clock, TimerHandle } from '../clock.ts';
import { failureText, isProxyRefusal } from '../connect-errors.ts';
import { limits } from '../limits.ts';
import { createConnector, DIRECT, isDirect, type Network, openDispatcher } from '../network.ts';
import { type Connections, createConnections, sharing } from './connections.ts';
import { AnswerTooLarge, CallImpossible, TelegramUnreachable } from './errors.ts';
import { type Answered, DroppedAnswer, type Exchange, exchange } from './exchange.ts';
import { resultOf } from './outcome.ts';
import type { BotApi, CallFile } from './telegram.ts';

export interface HttpBotApiOptions {
  /** https://api.telegram.org, a local Bot API server, or the sandbox. */
  readonly root: string;
  readonly token: string;
  /** Connections kept alive. One is the long poll's. */
  readonly connections: number;
  readonly clock: Clock;
  /** Default: no proxy. */
  readonly network?: Network;
  /** What the server's clock said as it answered (RFC 9110, Date), ms since 1970. */
  readonly onServerTime?: (at: number) => void;
}

/** The Bot API over HTTP. Errors never hold the token: it is in the path, and no path is in a message. */
export function createHttpBotApi({
  root,
  token,
  connections: max,
  clock,
  network = DIRECT,
  onServerTime,
}: HttpBotApiOptions): BotApi {
  /** undici comes with the first call: a start is ready a tenth of a second sooner without it. */
  async function open() {
    const { origin, pathname } = new URL(`${root.replace(/\/+$/, '')}/bot${token}/`);
    const { FormData } = await import('undici');
    return { FormData, origin, path: pathname, connections: await openConnections(network, origin, max) };
  }
  let opening: ReturnType<typeof open> | null = null;

  return {
    async call(method, params, { signal, files = [], timeoutMs = timeFor(files), silenceMs, onLeaving } = {}) {
      let under: Exchange | null = null;
      let cutBy: Cut | null = null;
      const cut = (why: string) => () => {
        cutBy ??= new Cut(why);
        under?.cut(cutBy);
      };
      const [timer, abort] = [clock.setTimeout(cut(`nothing within ${timeoutMs} ms`), timeoutMs), cut('called off')];
      let silence: TimerHandle | undefined;
      const heard = (): void => {
        if (silenceMs === undefined) return;
        clock.clearTimeout(silence);
        silence = clock.setTimeout(cut(`nothing came for ${silenceMs / 1000} s`), silenceMs);
      };
      heard();
      signal?.addEventListener('abort', abort, { once: true });
      let answered: Answered;
      try {
        opening ??= open();
        const { origin, path, connections, FormData } = await opening;
        const form = files.length === 0 ? null : await formOf(method, params, files, new FormData());
        // A form's type names its boundary: it is the form's own.
        const body = form === null ? { headers: JSON_HEADERS, body: JSON.stringify(params) } : { body: form };
        if (signal?.aborted === true) abort();
        // Over before it has begun.
        if (cutBy !== null) throw cutBy;
        const way = { origin, path: path + method, method: 'POST', headersTimeout: 0, bodyTimeout: 0 } as const;
        under = exchange(connections, { ...way, ...body }, heard, onLeaving);
        answered = await under.answer;
      } catch (error) {
        if (error instanceof CallImpossible) throw error;
        if (error instanceof DroppedAnswer) {
          throw new AnswerTooLarge(method, failureText(error.cause), error.head, error);
        }
        const why = error instanceof Cut ? error.message : failureText(error);
        // A call that has not begun has not left. A call that a proxy refused was not passed on.
        const left = (under?.begun() ?? false) && !isProxyRefusal(error);
        throw new TelegramUnreachable(method, why, left, error);
      } finally {
        clock.clearTimeout(timer);
        clock.clearTimeout(silence);
        signal?.removeEventListener('abort', abort);
      }
      const serverTime = Date.parse(answered.headers.date ?? '');
      // Another status may be of a gateway, which has a clock of its own.
      if (answered.status === 200 && !Number.isNaN(serverTime)) onServerTime?.(serverTime);
      return resultOf(method, answered, token, clock.now());
    },
    close: async () => (await opening?.catch(() => null))?.connections.destroy(),
  };
}

/** Files take their time: limits.uploadBytesPerSMin. */
const timeFor = (files: readonly CallFile[]): number =>
  limits.botApiTimeoutMs + files.reduce((ms, { size }) => ms + (size * 1000) / limits.uploadBytesPerSMin, 0);

/** The call as a form. Its files are read as they are sent. Throws CallImpossible where one is not there. */
async function formOf(
  method: string,
  params: Readonly<Record<string, unknown>>,
  files: readonly CallFile[],
  form: FormData,
): Promise<FormData> {
  for (const [name, value] of Object.entries(params)) {
    form.append(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  for (const { part, name, type, path } of files) {
    try {
      form.append(part, await openAsBlob(path, { type }), name);
    } catch (error) {
      throw new CallImpossible(method, `its file ${part} is not there any more`, error);
    }
  }
  return form;
}

/** Without a proxy connections are lent directly (connections.ts); with one undici's own agent shares them out. */
async function openConnections(network: Network, origin: string, max: number): Promise<Connections> {
  const maxResponseSize = limits.botApiAnswerBytesMax;
  if (!isDirect(network, origin)) return sharing(await openDispatcher(network, { connections: max, maxResponseSize }));
  const { Client, buildConnector } = await import('undici');
  const connect = createConnector(buildConnector, network, createReading());
  return createConnections(() => new Client(origin, { pipelining: 1, allowH2: false, maxResponseSize, connect }), max);
}

/**
 * How connections read: all into one buffer, of which what came is copied. Else Node makes one of 64 KiB for each answer,
 * most of which have some hundred bytes.
 */
const createReading = () => ({
  buffer: Buffer.allocUnsafeSlow(65_536),
  callback(this: Socket, bytes: number, buffer: Uint8Array) {
    return this.push(Buffer.from(buffer.subarray(0, bytes)));
  },
});

const JSON_HEADERS = { 'content-type': 'application/json' };

/** Why this side ended a call. */
class Cut extends Error {}
