/** A chart over sessions as an element of the page: drawn by uPlot, redrawn for another size, theme or language. */

import { onChange } from "../core/theme.js";
import { paletteOf } from "./palette.js";

const { uPlot } = window;

/**
 * What the charts have in common; each gives its own `plot(colours)` and `reading(index)`.
 * To those who do not see it, it is an image with a description; the numbers stand in a table beside it.
 */
export class SessionChart extends HTMLElement {
  #model = null;
  #plot = null;
  #reading = null;
  #observer = null;
  #forgetTheme = null;

  /** What to draw. */
  get model() {
    return this.#model;
  }

  set model(model) {
    if (model === this.#model) return;
    this.#model = model;
    if (this.isConnected) this.#draw();
  }

  /** What those who do not see the chart are told. */
  set description(text) {
    this.setAttribute("role", "img");
    this.setAttribute("aria-label", text);
  }

  connectedCallback() {
    this.#observer = new ResizeObserver(() => this.#fit());
    this.#observer.observe(this);
    this.#forgetTheme = onChange(() => this.#draw());
    this.#draw();
  }

  disconnectedCallback() {
    this.#observer.disconnect();
    this.#forgetTheme();
    this.#plot?.destroy();
    this.#plot = null;
  }

  #draw() {
    this.#plot?.destroy();
    this.#plot = null;
    this.replaceChildren();
    if (!this.#model || !this.clientWidth) return;
    this.#reading = document.createElement("p");
    this.#reading.className = "reading";
    this.append(this.#reading);
    const { options, data } = this.plot(paletteOf(this));
    const common = {
      width: this.clientWidth,
      height: this.clientHeight,
      legend: { show: false },
      padding: [30, 26, 0, 0],
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
      hooks: { setCursor: [(plot) => this.#read(plot.cursor.idx)] },
    };
    this.#plot = new uPlot({ ...common, ...options }, data, this);
    this.#read(null);
  }

  #fit() {
    if (!this.#plot) this.#draw();
    else this.#plot.setSize({ width: this.clientWidth, height: this.clientHeight });
  }

  #read(index) {
    const parts = this.reading(index).map(([name, value]) => {
      const part = document.createElement("span");
      const strong = document.createElement("b");
      strong.textContent = value;
      part.append(`${name} `, strong);
      return part;
    });
    this.#reading.replaceChildren(...parts);
  }
}
