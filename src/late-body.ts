import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock, TimerHandle } from './clock.ts';
import { limits } from './limits.ts';

/**
 * Cuts a request off if its body has not arrived after limits.requestArrivalMs, whether or not it has been answered: whoever
 * is refused keeps no connection by sending on, or by sending nothing. Only a form may go on, as long as nobody has answered
 * it. Node ends that after limits.uploadArrivalMs.
 */
export function cutOffLate(request: IncomingMessage, response: ServerResponse, clock: Clock): void {
  const { headers } = request;
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return;
  const isForm = /^multipart\/form-data/i.test(headers['content-type'] ?? '');
  let timer: TimerHandle;
  const look = (): void => {
    if (request.complete) return;
    if (isForm && !response.headersSent) timer = clock.setTimeout(look, limits.requestArrivalMs);
    else request.destroy();
  };
  timer = clock.setTimeout(look, limits.requestArrivalMs);
  request.once('close', () => clock.clearTimeout(timer));
}
