// The report of a period, as the page and the CSV show it.

import type { Cell } from "./csv";
import type { components } from "./schema";
import { dateIn, later, local, monthOf } from "./zone";

export type Report = components["schemas"]["SLAReport"];
export type Row = components["schemas"]["SLARow"];

export const periods = {
	today: "Today",
	yesterday: "Yesterday",
	week: "7 days",
	month: "This month",
	"last month": "Last month",
	custom: "Dates",
} as const;
export type Period = keyof typeof periods;

export const intervals = {
	"": "Whole period",
	"15m": "15 minutes",
	"30m": "30 minutes",
	"1h": "1 hour",
	"1d": "1 day",
	"1w": "1 week",
	"1mo": "1 month",
} as const;
export type Every = keyof typeof intervals;

const isDate = (text: string): boolean => /^\d{4}-\d{2}-\d{2}$/.test(text);

/** From and to (excluded) as the API takes them: dates, so that each client's are its own days, or the end of the minute that is. Today is that of a zone. Days that are chosen are whole, the last too. Undefined when they are none. */
export function bounds(
	period: Period,
	now: Date,
	zone: string,
	first: string,
	last: string,
): { from: string; to: string } | undefined {
	const soon = new Date(Math.ceil((now.getTime() + 1) / 60_000) * 60_000).toISOString();
	const today = dateIn(zone, now);
	if (period === "today") return { from: today, to: soon };
	if (period === "yesterday") return { from: later(today, -1), to: today };
	if (period === "week") return { from: later(today, -6), to: soon };
	if (period === "month") return { from: monthOf(today), to: soon };
	if (period === "last month") return { from: monthOf(today, -1), to: monthOf(today) };
	if (!isDate(first) || !isDate(last) || last < first) return undefined;
	return { from: first, to: later(last, 1) };
}

/** The service levels in words for a heading; one that is new keeps its own name. */
const words: Record<string, string> = {
	"of-answered": "Of answered",
	"quick-abandons-credit": "Quick abandons count",
	"asterisk-sl2": "Asterisk SL2",
	"all-abandons": "All abandons",
	"without-short-abandons": "No short abandons",
	"with-flow-outs": "With flow-outs",
	"late-abandons": "Late abandons",
	"wait-and-hold": "Wait and hold",
};
export const levelName = (name: string): string => words[name] ?? name;

/** What agents do, in the order to show it. */
export const states = [
	"ready",
	"offered",
	"talking",
	"on-hold",
	"wrap-up",
	"outbound",
	"break",
	"unreachable",
] as const;

/** Whether intervals are days or more, and not lengths of time. */
export const byDays = (every: Every): boolean => ["1d", "1w", "1mo"].includes(every);

/** How those left who were neither answered nor gave up: "2 timeout-overflow, 1 exit-key". */
export function others(r: Row): string {
	const told = ["answered", "abandoned", "abandoned-short"];
	return Object.entries(r.outcomes)
		.filter(([name, n]) => n > 0 && !told.includes(name))
		.map(([name, n]) => `${n} ${name}`)
		.join(", ");
}

/** The level that a row's own service level is. */
export const ours = "without-short-abandons";

/** Every figure of a report, for a spreadsheet: times in milliseconds, instants in UTC and, behind the zone, by its clock. */
export function table(r: Report): Cell[][] {
	const levels = r.queues[0]?.levels ?? [];
	const outcomes = Object.keys(r.queues[0]?.outcomes ?? {}).sort();
	const head = [
		"from,to,zone,local_from,local_to,queue,client,complete,target_percent,target_ms,offered,answered,answered_within,abandoned,abandoned_short,other,waiting,waiting_beyond".split(
			",",
		),
		outcomes,
		levels.flatMap((l) => [`${l.name}_percent`, `${l.name}_part`, `${l.name}_whole`]),
		"wait_average_ms,wait_all_ms,wait_longest_ms,handled,aht_ms,talk_ms,hold_ms,wrap_ms,short_abandon_ms,abandonment_percent,abandonment_all_percent,callbacks_asked,callbacks_open,callbacks_reached,callback_tries,callback_wait_average_ms".split(
			",",
		),
	].flat();
	return [head, ...r.queues.map((q) => line(q, outcomes))];
}

/** How agents spent each interval, for a spreadsheet. */
export function staffTable(r: Report): Cell[][] {
	const parts = r.staff_by.length > 0 ? r.staff_by : [{ ...r.staff, from: r.from, to: r.to }];
	const head = ["from", "to", "zone", "local_from", "local_to", "agents", "occupancy_percent", "staffed_ms"];
	const line = (p: (typeof parts)[number]): Cell[] => [
		p.from,
		p.to,
		r.zone,
		local(r.zone, p.from),
		local(r.zone, p.to),
		p.agents,
		p.occupancy,
		p.staffed_ms,
		...states.map((s) => p.states_ms[s] ?? 0),
	];
	return [[...head, ...states.map((s) => `${s}_ms`)], ...parts.map(line)];
}

function line(q: Row, outcomes: string[]): Cell[] {
	const { handling: h, abandonment: a, callbacks: c } = q;
	return [
		[
			q.from,
			q.to,
			q.zone,
			local(q.zone, q.from),
			local(q.zone, q.to),
			q.queue,
			q.client,
			String(q.complete),
			q.target_percent,
			q.target_ms,
			q.offered,
			q.answered,
		],
		[q.answered_within, q.abandoned, q.abandoned_short, q.other, q.waiting, q.waiting_beyond],
		outcomes.map((o) => q.outcomes[o]),
		(q.levels ?? []).flatMap((l) => [l.percent, l.part, l.whole]),
		[
			q.wait_average_ms,
			q.wait_all_ms,
			q.wait_longest_ms,
			h.handled,
			h.aht_ms,
			h.talk_ms,
			h.hold_ms,
			h.wrap_ms,
		],
		[a.short_ms, a.percent, a.all_percent],
		[c.asked, c.open, c.reached, c.tries, c.wait_average_ms],
	].flat();
}
