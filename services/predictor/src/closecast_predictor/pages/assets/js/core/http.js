/** Requests to the predictor; whatever goes wrong becomes a Problem with words to show. */

import * as account from "./account.js";
import { t } from "./i18n.js";

const TRANSIENT = new Set([0, 429, 502, 503, 504]);

/** What went wrong, after the server's problem document (RFC 9457) where it sent one. */
export class Problem extends Error {
  /** @param {{status?: number, title?: string, detail?: string, errors?: {field: string, reason: string}[]}} told */
  constructor({ status = 0, title = "", detail = "", errors = [] }, retryAfter = null) {
    super(detail || title);
    this.status = status;
    this.title = title;
    this.errors = errors;
    this.retryAfter = retryAfter;
  }

  /** Whether a later try may succeed without anyone doing anything. */
  get isTransient() {
    return TRANSIENT.has(this.status);
  }
}

/** Address of a path of the API, also where the predictor stands below a prefix. */
export const address = (path) => new URL(path.replace(/^\//, ""), document.baseURI);

/**
 * Ask the predictor.
 * @param {string} path
 * @param {{method?: string, query?: object, json?: unknown, body?: BodyInit, signal?: AbortSignal}} options
 * @returns {Promise<{status: number, body: any}>}
 */
export async function request(path, { method = "GET", query = {}, json, body, signal } = {}) {
  const url = address(path);
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.set(name, value);
  const headers = { Accept: "application/json", ...account.authorization() };
  if (json !== undefined) headers["Content-Type"] = "application/json";
  const response = await fetch(url, {
    method,
    headers,
    body: json === undefined ? body : JSON.stringify(json),
    signal,
    cache: "no-store",
  }).catch((error) => {
    if (error.name === "AbortError") throw error;
    throw new Problem({ title: t("problem.unreachable"), detail: t("problem.network") });
  });
  if (!response.ok) throw await problemOf(response);
  return { status: response.status, body: response.status === 204 ? null : await response.json() };
}

async function problemOf(response) {
  const told = await response.json().catch(() => ({}));
  if (response.status === 401) account.refused();
  const seconds = Number(response.headers.get("Retry-After"));
  const title = told.title ?? t("problem.status", { status: response.status });
  return new Problem({ ...told, title, status: response.status }, seconds > 0 ? seconds : null);
}
