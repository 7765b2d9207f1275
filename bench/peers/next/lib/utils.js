import { clsx } from "clsx";
import { twMerge } from "tailwind-merge";

export const cn = (...names) => twMerge(clsx(names));

const credits = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 3, maximumFractionDigits: 3 });
const whole = new Intl.NumberFormat("en-GB");

export const count = (value) => whole.format(value);
/** Thousandths of a credit. */
export const money = (thousandths) => credits.format(thousandths / 1000);
export const clock = (seconds) => (seconds ? `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}` : "–");
export const percent = (part, all) => (all ? `${((100 * part) / all).toFixed(1)}%` : "–");

/** A moment on the clock of a zone, as the server writes it: the browser gets text, so that nothing is written twice. */
export function moment(at, zone) {
  const parts = Object.fromEntries(
    new Intl.DateTimeFormat("en-GB", { timeZone: zone, weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hour12: false })
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );
  return `${parts.weekday} ${parts.day} ${parts.month} ${parts.hour}:${parts.minute}`;
}
