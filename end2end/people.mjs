// Whom the journeys call: numbers whose owner is scripted by gremlin (see the table in crates/gremlin/src/lib.rs), and the
// CSV files that bring them. Plain JavaScript, because `kills.mjs` runs without a compiler.

/** What the last four digits of a number make its owner do. */
export const ENDINGS = {
  human: "0001",
  busy: "0002",
  noAnswer: "0003",
  voicemail: "0004",
  refused: "0005",
  presses9: "0006",
  busyOnce: "0007",
  silentAccept: "0008",
  lostCallbacks: "0009",
  tooManyOnce: "0010",
  errorOnce: "0011",
  messyCallbacks: "0012",
  hangsUp: "0013",
};

/** A number of North America. The exchange keeps the numbers of one company apart from those of another. */
export const phone = (area, exchange, ending) => `+1${area}${exchange}${ending}`;

/** Such a number as pages show it. */
export const shown = (number) => number.replace(/^\+1(\d{3})(\d{3})(\d{4})$/, "+1 $1 $2 $3");

/**
 * A zone in which it is between one and two in the afternoon now: within the hour another part of the day begins, in which
 * whoever was not reached is tried again. Calls are placed between 8:00 and 21:00 at the called person's, and a zone that the
 * file states decides over the number's; so the journeys pass at any hour. `Etc` writes its signs the other way round.
 */
export function noonZone(now = new Date()) {
  const ahead = 13 - now.getUTCHours();
  return ahead === 0 ? "Etc/GMT" : `Etc/GMT${ahead > 0 ? "-" : "+"}${Math.abs(ahead)}`;
}

/** A file of these columns; no cell here holds a comma or a quote. */
export const csv = (header, rows) => [header, ...rows].map((cells) => cells.join(",")).join("\n") + "\n";
