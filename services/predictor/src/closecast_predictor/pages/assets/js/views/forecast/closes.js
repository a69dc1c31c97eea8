/** The closes that a CSV file holds, for the chart beside its forecast; the server reads the file itself. */

const DATES = ["date", "data", "dia", "datetime", "timestamp"];
const CLOSES = ["close", "fechamento", "último", "ultimo", "adj close", "price", "last"];
const SEPARATORS = [",", ";", "\t"];

/**
 * Closes of a file, oldest first; none if they do not end in the close that the server forecast from: better no
 * history than a wrong one.
 * @param {string} text
 * @param {{origin: string | null, last_close: number}} answer
 * @returns {{session: string | null, close: number}[]}
 */
export function closesOf(text, answer) {
  const rows = read(text).sort((a, b) => (a.session ?? "").localeCompare(b.session ?? ""));
  const last = rows.at(-1);
  const isSame =
    last && last.session === answer.origin && Math.abs(last.close / answer.last_close - 1) < 1e-4;
  return isSame ? rows : [];
}

function read(text) {
  const lines = text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .filter((line) => line.trim());
  const [header, ...rest] = lines;
  if (!header) return [];
  const separator = SEPARATORS.toSorted((a, b) => header.split(b).length - header.split(a).length)[0];
  const names = cells(header, separator).map((name) => name.toLowerCase());
  const date = names.findIndex((name) => DATES.includes(name));
  const close = names.findIndex((name) => CLOSES.includes(name));
  if (close < 0) return [];
  const parsed = rest.map((line) => {
    const row = cells(line, separator);
    return { session: date < 0 ? null : day(row[date]), close: decimal(row[close]) };
  });
  return parsed.every((row) => row.close > 0 && row.session !== undefined) ? parsed : [];
}

function cells(line, separator) {
  const pattern = new RegExp(`("(?:[^"]|"")*"|[^${separator}]*)(?:${separator}|$)`, "g");
  return [...line.matchAll(pattern)].map(([, cell]) =>
    cell.replace(/^"|"$/g, "").replaceAll('""', '"').trim(),
  );
}

function decimal(text = "") {
  const isComma = text.lastIndexOf(",") > text.lastIndexOf(".");
  return Number(isComma ? text.replaceAll(".", "").replace(",", ".") : text.replaceAll(",", ""));
}

function day(text = "") {
  const brazilian = text.match(/^(\d{2})[/.-](\d{2})[/.-](\d{4})/);
  if (brazilian) return `${brazilian[3]}-${brazilian[2]}-${brazilian[1]}`;
  return text.match(/^\d{4}-\d{2}-\d{2}/)?.[0];
}
