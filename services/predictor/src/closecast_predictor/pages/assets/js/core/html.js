/** The templates that all views are written in (lit-html), from one place. */
export { html, nothing, render, svg } from "../../vendor/lit-html/lit-html.js";
export { live } from "../../vendor/lit-html/directives/live.js";
export { repeat } from "../../vendor/lit-html/directives/repeat.js";
