/** Something that is loaded from the server: its value, its error, and when it is asked for again. */

const FIRST_RETRY_S = 1;
const LONGEST_RETRY_S = 30;

/**
 * Loads a value, again at intervals where wanted, and again after a failure that may pass (with backoff).
 * The last value stays while a newer one is awaited or failed to come.
 */
export class Resource {
  /**
   * @param {(signal: AbortSignal) => Promise<any>} load
   * @param {() => void} changed called after every change
   * @param {{every?: (value: any) => number | null}} options seconds until the next load, null for never
   */
  constructor(load, changed, { every = () => null } = {}) {
    this.value = null;
    this.error = null;
    this.isLoading = false;
    this.retryAt = null;
    this._load = load;
    this._changed = changed;
    this._every = every;
    this._failures = 0;
    this._timer = null;
    this._abort = null;
  }

  /** Load now; returns the resource. */
  start() {
    this.stop();
    this._abort = new AbortController();
    this._run(this._abort.signal);
    return this;
  }

  /** Forget what is under way. */
  stop() {
    clearTimeout(this._timer);
    this._abort?.abort();
    this._abort = null;
    this.isLoading = false;
    this.retryAt = null;
  }

  async _run(signal) {
    this.isLoading = true;
    this.retryAt = null;
    this._changed();
    try {
      this.value = await this._load(signal);
      if (signal.aborted) return;
      this.error = null;
      this._failures = 0;
      this._again(this._every(this.value), signal);
    } catch (error) {
      if (signal.aborted) return;
      this.error = error;
      if (error.isTransient) this._retry(signal);
      else if (error.status === undefined) console.error(error);
    }
    this.isLoading = false;
    this._changed();
  }

  _retry(signal) {
    const backoff = Math.min(FIRST_RETRY_S * 2 ** this._failures, LONGEST_RETRY_S);
    const seconds = Math.max(backoff, this.error.retryAfter ?? 0) * (1 + Math.random() / 4);
    this._failures += 1;
    this.retryAt = Date.now() + seconds * 1000;
    this._again(seconds, signal);
  }

  _again(seconds, signal) {
    if (seconds === null) return;
    this._timer = setTimeout(() => whenVisible(signal, () => this._run(signal)), seconds * 1000);
  }
}

/** Call back at once if the page is seen, else as soon as it is; nobody polls for a hidden tab. */
function whenVisible(signal, callback) {
  if (!document.hidden) return callback();
  document.addEventListener("visibilitychange", callback, { once: true, signal });
}
