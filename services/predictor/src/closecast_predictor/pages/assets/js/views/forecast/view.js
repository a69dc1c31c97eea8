/** Forecasts of the symbols that are picked, and of files. */

import { empty } from "../../components/states.js";
import * as address from "../../core/address.js";
import * as api from "../../core/api.js";
import { html, nothing, repeat } from "../../core/html.js";
import { t } from "../../core/i18n.js";
import { Resource } from "../../core/resource.js";
import { CardState } from "./card-state.js";
import { card } from "./card.js";
import { comparison } from "./comparison.js";
import { countOf, picker } from "./picker.js";
import { Upload, dropZone, uploadCard } from "./upload.js";

const REFRESH_S = 30;

export class ForecastView {
  constructor({ changed }) {
    this._changed = changed;
    this.symbols = new Resource(
      (signal) => api.symbols(signal),
      () => this._symbolsCame(),
      {
        every: () => REFRESH_S,
      },
    );
    this.wanted = "";
    this.picked = [];
    this.isDropping = false;
    this._cards = new Map();
    this._uploads = [];
    this._hasPicked = false;
  }

  start({ symbols }) {
    this.symbols.start();
    for (const state of this._cards.values()) state.start();
    this.update({ symbols });
  }

  stop() {
    this.symbols.stop();
    for (const state of this._cards.values()) state.stop();
  }

  /** Follow the address. */
  update({ symbols }) {
    this.picked = [...new Set(symbols)];
    for (const [symbol, state] of this._cards) {
      if (this.picked.includes(symbol)) continue;
      state.stop();
      this._cards.delete(symbol);
    }
    for (const symbol of this.picked) {
      if (!this._cards.has(symbol)) this._cards.set(symbol, this._stateOf(symbol));
    }
    this._pickFirst();
    this._changed();
  }

  set(values) {
    Object.assign(this, values);
    this._changed();
  }

  search(wanted) {
    this.set({ wanted });
  }

  pick(symbols) {
    this.wanted = "";
    this._uploads = symbols.length ? [] : this._uploads;
    address.show(symbols);
    this._changed();
  }

  toggle(symbol) {
    const isPicked = this.picked.includes(symbol);
    address.show(isPicked ? this.picked.filter((one) => one !== symbol) : [...this.picked, symbol]);
  }

  upload(files) {
    const uploads = [...files].map((file) => new Upload(file, this._changed));
    this._uploads = [...uploads, ...this._uploads];
    for (const upload of uploads) upload.send();
    this._changed();
  }

  template() {
    return html`
      <div class="forecast">
        <aside class="side" aria-label=${t("picker.symbols")}>
          <div class="panel">
            <h2>${t("picker.symbols")} <span class="count">${countOf(this.symbols)}</span></h2>
            ${picker(this)}
          </div>
          <div class="panel">${dropZone(this)}</div>
        </aside>
        <section class="cards" aria-label=${t("views.forecast")}>
          ${repeat(
            this._uploads,
            (upload) => upload,
            (upload) => uploadCard(upload, () => this._close(upload)),
          )}
          ${comparison([...this._cards.values()])}
          ${repeat(
            this.picked,
            (symbol) => symbol,
            (symbol) => this._card(symbol),
          )}
          ${this._cards.size || this._uploads.length || !this.symbols.value ? nothing : this._nothing()}
        </section>
      </div>
    `;
  }

  _card(symbol) {
    return card(this._cards.get(symbol), {
      isOnly: this.picked.length === 1,
      close: () => this.toggle(symbol),
    });
  }

  _stateOf(symbol) {
    const named = (name) => {
      const symbols = this.picked.map((one) => (one === symbol ? name : one));
      address.show(symbols, { replace: true });
      this.update({ symbols });
    };
    return new CardState(symbol, this._changed, named).start();
  }

  _nothing() {
    if (this.symbols.value.length) return empty(t("picker.none"), t("picker.noneDetail"));
    return empty(t("picker.empty"), t("picker.emptyDetail"));
  }

  _close(upload) {
    this.set({ _uploads: this._uploads.filter((one) => one !== upload) });
  }

  _symbolsCame() {
    this._pickFirst();
    this._changed();
  }

  /** A first visit shows something: the first symbol that there is. */
  _pickFirst() {
    // The address may name symbols already that the event of its change has yet to tell of.
    if (this._hasPicked || this.picked.length || address.read().symbols.length) {
      this._hasPicked = true;
      return;
    }
    const [first] = this.symbols.value ?? [];
    if (!first) return;
    this._hasPicked = true;
    address.show([first.symbol], { replace: true });
    this.update({ symbols: [first.symbol] });
  }
}
