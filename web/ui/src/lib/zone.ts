// Dates and clocks of a time zone, which need not be the reader's own.

/** The reader's own zone, for as long as nobody has said the desk's. */
export const here = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

type Shown = Record<"year" | "month" | "day" | "hour" | "minute" | "second", string>;

/** What the clock of a zone shows, each part with its zeros. */
function shown(at: Date, zone: string): Shown {
	const parts = new Intl.DateTimeFormat("en-GB", {
		timeZone: zone,
		hourCycle: "h23",
		year: "numeric",
		month: "2-digit",
		day: "2-digit",
		hour: "2-digit",
		minute: "2-digit",
		second: "2-digit",
	}).formatToParts(at);
	return Object.fromEntries(parts.map((p) => [p.type, p.value])) as Shown;
}

/** The date that the clock of a zone shows: 2026-03-29. */
export function dateIn(zone: string, at: Date): string {
	const s = shown(at, zone);
	return `${s.year}-${s.month}-${s.day}`;
}

/** A date so many days later; without a zone, for a date has none. */
export function later(date: string, days: number): string {
	const [y = 0, m = 1, d = 1] = date.split("-").map(Number);
	return new Date(Date.UTC(y, m - 1, d + days)).toISOString().slice(0, 10);
}

/** The first of a date's month, or of one so many months later. */
export function monthOf(date: string, months = 0): string {
	const [y = 0, m = 1] = date.split("-").map(Number);
	return new Date(Date.UTC(y, m - 1 + months, 1)).toISOString().slice(0, 10);
}

/** Date and time of day as a spreadsheet reads and sorts them: 2026-03-29 00:00. */
export function local(zone: string, instant: string): string {
	const at = new Date(instant);
	const s = shown(at, zone);
	return `${dateIn(zone, at)} ${s.hour}:${s.minute}`;
}

/** Whether a day may begin at an instant: the clock shows a date that it did not show before. */
const begins = (zone: string, instant: string): boolean =>
	dateIn(zone, new Date(instant)) !== dateIn(zone, new Date(Date.parse(instant) - 1));

/** A date for people: Sun 29 Mar. */
function named(date: string): string {
	const opts: Intl.DateTimeFormatOptions = {
		timeZone: "UTC",
		weekday: "short",
		day: "numeric",
		month: "short",
	};
	return new Intl.DateTimeFormat("en-GB", opts).format(new Date(`${date}T00:00:00Z`)).replace(",", "");
}

/** An interval for people: date and time at which it begins, or, by days, its dates, the last included; of a day that is not whole also the time at which it begins or ends. */
export function interval(zone: string, from: string, to: string, byDays: boolean): string {
	const [first, last] = [dateIn(zone, new Date(from)), dateIn(zone, new Date(Date.parse(to) - 1))];
	const time = (instant: string) => local(zone, instant).slice(11);
	if (!byDays) return `${named(first)}, ${time(from)}`;
	const dates = first === last ? named(first) : `${named(first)} to ${named(last)}`;
	const partly = [
		begins(zone, from) ? "" : `from ${time(from)}`,
		begins(zone, to) ? "" : `until ${time(to)}`,
	].filter(Boolean);
	return [dates, ...partly].join(", ");
}
