/** The predictor's endpoints, by name. */

import { request } from "./http.js";

const path = encodeURIComponent;
const get = async (where, signal, query) => (await request(where, { signal, query })).body;

export const access = (signal) => get("access", signal);
export const ready = (signal) => get("readyz", signal);
export const symbols = async (signal) => (await get("symbols", signal)).symbols;
export const quotes = async (symbol, sessions, signal) =>
  (await get(`quotes/${path(symbol)}`, signal, { sessions })).quotes;
export const stats = (signal) => get("stats", signal);
export const record = (symbol, signal) => get(`stats/${path(symbol)}`, signal, { late: true });
export const models = async (signal) => (await get("models", signal)).models;
export const model = (version, name, signal) => get(`models/${path(version)}`, signal, { model: name });
export const trainings = async (signal) => (await get("train", signal, { limit: 20 })).trainings;

/** Forecast of a symbol; status 202 while its quotes are being fetched. */
export const forecast = (symbol, signal) => request(`forecast/${path(symbol)}`, { signal });

/** Have the quotes of an unknown symbol fetched. */
export const fetchQuotes = (symbol) => request("predict", { method: "POST", json: { symbol, fetch: true } });

/** Forecast of what a file holds. */
export async function forecastFile(file) {
  const body = new FormData();
  body.append("file", file);
  return (await request("predict", { method: "POST", body })).body;
}

export const train = async (wanted) => (await request("train", { method: "POST", json: wanted })).body;

export const promote = async (version, name) =>
  (await request(`models/${path(version)}/promote`, { method: "POST", json: { model: name } })).body;

/** A short-lived token for a name and a password (OAuth2 password form). */
export async function login(username, password) {
  const body = new URLSearchParams({ grant_type: "password", username, password });
  return (await request("login", { method: "POST", body })).body;
}
