/** What one symbol's card shows: its forecast, its quotes and its record, kept up to date. */

import * as api from "../../core/api.js";
import { Resource } from "../../core/resource.js";

const SESSIONS = 252;
const REFRESH_S = 30;
const AWAITED_S = 2;
const RECORD_S = 60;

/** Sessions that the chart may go back. */
export const RANGES = [22, 63, 126, SESSIONS];

/** A forecast that is not there yet, since the quotes are being fetched. */
const FETCHING = Object.freeze({ isFetching: true });

export class CardState {
  constructor(symbol, changed) {
    this.symbol = symbol;
    this.range = 63;
    this.horizon = 1;
    this.isTable = false;
    this.isRecordTable = false;
    this.isAwaited = false;
    this._origin = null;
    this._changed = changed;
    this.forecast = new Resource((signal) => this._load(signal), changed, {
      every: (value) => (value.isFetching ? AWAITED_S : REFRESH_S),
    });
    this.quotes = new Resource((signal) => api.quotes(symbol, SESSIONS, signal), changed);
    this.record = new Resource((signal) => api.record(symbol, signal), changed, { every: () => RECORD_S });
  }

  start() {
    this._origin = null;
    this.forecast.start();
    return this;
  }

  stop() {
    for (const resource of [this.forecast, this.quotes, this.record]) resource.stop();
  }

  /** Change what is shown. */
  set(values) {
    Object.assign(this, values);
    this._changed();
  }

  /** Have the quotes of an unknown symbol fetched, and wait for them. */
  async fetchQuotes() {
    try {
      await api.fetchQuotes(this.symbol);
    } catch (error) {
      this.forecast.stop();
      this.forecast.error = error;
      this._changed();
      return;
    }
    this.isAwaited = true;
    this.forecast.value = FETCHING;
    this.forecast.error = null;
    this.forecast.start();
  }

  async _load(signal) {
    const answer = await api.forecast(this.symbol, signal).catch((error) => {
      if (error.status === 404 && this.isAwaited) return { status: 202 };
      throw error;
    });
    if (answer.status === 202) return FETCHING;
    this.isAwaited = false;
    if (answer.body.origin !== this._origin) {
      this._origin = answer.body.origin;
      this.quotes.start();
      this.record.start();
    }
    return answer.body;
  }
}
