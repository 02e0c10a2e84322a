// Times as people read them. All inputs are in milliseconds.

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

const two = (n: number) => String(n).padStart(2, "0");

/** A duration: 0:07, 12:30, 3 h 05, 2 d 4 h. A negative one, from clocks that differ a little, is 0:00. */
export function duration(ms: number): string {
	const t = Math.max(0, ms);
	if (t < hour) return `${Math.floor(t / minute)}:${two(Math.floor((t % minute) / second))}`;
	if (t < day) return `${Math.floor(t / hour)} h ${two(Math.floor((t % hour) / minute))}`;
	return `${Math.floor(t / day)} d ${Math.floor((t % day) / hour)} h`;
}

/** Hours of work, of however many people: 0 h 05, 26 h 30. Days would be days of somebody. */
export function hours(ms: number): string {
	const t = Math.max(0, ms);
	return `${Math.floor(t / hour)} h ${two(Math.floor((t % hour) / minute))}`;
}

/** A duration as a screen reader should say it. */
export function spoken(ms: number): string {
	const t = Math.max(0, ms);
	const of = (n: number, unit: string) => (n === 0 ? "" : `${n} ${unit}${n === 1 ? "" : "s"}`);
	if (t < minute) return of(Math.floor(t / second), "second") || "0 seconds";
	const parts =
		t < hour
			? [of(Math.floor(t / minute), "minute"), of(Math.floor((t % minute) / second), "second")]
			: [of(Math.floor(t / hour), "hour"), of(Math.floor((t % hour) / minute), "minute")];
	return parts.filter(Boolean).join(" ");
}

/** The time from an instant to now; 0 without an instant. */
export function since(instant: string | undefined, now: number): number {
	return instant ? now - Date.parse(instant) : 0;
}

/** A percentage; what cannot be computed is a dash, never 0 %. */
export function percent(p: number | null | undefined): string {
	return p === null || p === undefined ? "–" : `${Math.floor(p)} %`;
}

/** A day and a minute in the reader's own zone, for lists: 2 Mar, 09:05. */
export function moment(instant: string): string {
	const opts: Intl.DateTimeFormatOptions = {
		month: "short",
		day: "numeric",
		hour: "2-digit",
		minute: "2-digit",
		hourCycle: "h23",
	};
	return new Intl.DateTimeFormat("en-GB", opts).format(new Date(instant));
}

/** An instant in the reader's own zone. */
export function clock(instant: string, withDay = false): string {
	const opts: Intl.DateTimeFormatOptions = {
		hour: "2-digit",
		minute: "2-digit",
		second: "2-digit",
		hourCycle: "h23",
	};
	if (withDay) Object.assign(opts, { year: "numeric", month: "short", day: "numeric" });
	return new Intl.DateTimeFormat("en-GB", opts).format(new Date(instant));
}
