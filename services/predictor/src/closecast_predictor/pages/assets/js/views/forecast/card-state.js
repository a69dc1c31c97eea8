/** What one symbol's card shows: its forecast, its quotes and its record, kept up to date. */

import * as api from "../../core/api.js";
import { Resource } from "../../core/resource.js";

const SESSIONS = 252;
const REFRESH_S = 30;
const AWAITED_S = 2;
const RECORD_S = 60;
const FETCHING = 202;

/** Sessions that the chart may go back. */
export const RANGES = [22, 63, 126, SESSIONS];

export class CardState {
  /**
   * @param {string} symbol as it was asked for
   * @param {() => void} changed called after every change
   * @param {(symbol: string) => void} named told how the symbol is really called
   */
  constructor(symbol, changed, named) {
    this.symbol = symbol;
    this.range = 63;
    this.horizon = 1;
    this.isTable = false;
    this.isRecordTable = false;
    this._origin = null;
    this._changed = changed;
    this._named = named;
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

  /** Have the quotes of an unknown symbol fetched, and wait for the forecast. */
  async fetchQuotes() {
    this.forecast.stop();
    try {
      await api.fetchQuotes(this.symbol);
      this.forecast.start();
    } catch (error) {
      this.forecast.error = error;
      this._changed();
    }
  }

  async _load(signal) {
    const answer = await api.forecast(this.symbol, signal);
    if (answer.status === FETCHING) return { isFetching: true };
    if (answer.body.symbol !== this.symbol) this._named(answer.body.symbol);
    if (answer.body.origin !== this._origin) {
      this._origin = answer.body.origin;
      this.quotes.start();
      this.record.start();
    }
    return answer.body;
  }
}
