/** State of the pages in the address, as `#view=forecast&symbol=AAPL,IBM`: it can be kept, shared and gone back to. */

export const VIEWS = ["forecast", "accuracy", "models", "training", "system"];

const parameters = () => new URLSearchParams(location.hash.slice(1));

/** What the address says. */
export function read() {
  const told = parameters();
  const view = told.get("view");
  return {
    view: VIEWS.includes(view) ? view : VIEWS[0],
    symbols: (told.get("symbol") ?? "").split(",").filter(Boolean),
  };
}

/** The address of a view, of symbols, or both. */
export function link({ view = VIEWS[0], symbols = [] }) {
  const told = [];
  if (view !== VIEWS[0]) told.push(`view=${view}`);
  if (symbols.length) told.push(`symbol=${symbols.map(encodeURIComponent).join(",")}`);
  return `#${told.join("&")}`;
}

/** Go to symbols of the forecast view; `replace` leaves no entry in the history. */
export function show(symbols, { replace = false } = {}) {
  const target = link({ symbols });
  if (!replace) location.hash = target;
  else history.replaceState(null, "", target);
}
