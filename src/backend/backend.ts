/**
 * The backend: the logic that answers what conversations ask for. In-process functions, or the team's HTTP service.
 */
export interface Backend {
  /**
   * Answers one request. The same `request.id` may come again after a crash or a lost answer: the backend does
   * the work once and gives the same answer. The output must be JSON.
   * Throws BackendFailed; anything else thrown counts as a failure that another try may mend.
   */
  ask(request: BackendRequest, signal: AbortSignal): Promise<unknown>;
  /** Lets connections go. Nothing is asked any more. */
  close(): Promise<void>;
}

export interface BackendRequest {
  /** The idempotency key: the same for every try of this request, and for no other. */
  readonly id: string;
  readonly bot: string;
  /** The conversation that asks. */
  readonly conversation: string;
  /** What is asked: the machine's `invoke.src`. */
  readonly src: string;
  /** The machine's `invoke.input`, JSON. */
  readonly input: unknown;
  /** 1 for the first try. */
  readonly attempt: number;
}

/**
 * Why the backend did not answer. A conversation gets it as the `error` of its invoke. `unreachable` and `timeout`: it
 * may have been carried out. `refused`, `unknown_request`, and `overloaded` (it was not asked): it was not.
 */
export class BackendFailed extends Error {
  readonly code: 'unreachable' | 'timeout' | 'refused' | 'unknown_request' | 'overloaded';
  /** Whether another try may succeed. */
  readonly retryable: boolean;
  /** How long the backend asked to wait before it. */
  readonly retryAfterMs: number;

  constructor(code: BackendFailed['code'], message: string, retryable: boolean, cause?: unknown, retryAfterMs = 0) {
    super(message, { cause });
    this.name = 'BackendFailed';
    this.code = code;
    this.retryable = retryable;
    this.retryAfterMs = retryAfterMs;
  }
}
