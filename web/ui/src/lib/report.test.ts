import { describe, expect, it } from "vitest";
import { csv } from "./csv";
import { bounds, dateField, type Report, type Row, table } from "./report";

const now = new Date(2026, 2, 2, 10, 30, 15);

describe("a period", () => {
	it("of today ends with the minute that is", () =>
		expect(bounds("today", now, "", "")).toEqual({
			from: new Date(2026, 2, 2),
			to: new Date(2026, 2, 2, 10, 31),
		}));
	it("is never empty, at midnight neither", () =>
		expect(bounds("today", new Date(2026, 2, 2), "", "")?.to).toEqual(new Date(2026, 2, 2, 0, 1)));
	it("of yesterday is that day", () =>
		expect(bounds("yesterday", now, "", "")).toEqual({
			from: new Date(2026, 2, 1),
			to: new Date(2026, 2, 2),
		}));
	it("of 7 days begins six midnights ago", () =>
		expect(bounds("week", now, "", "")?.from).toEqual(new Date(2026, 1, 24)));
	it("of dates holds the last one whole", () =>
		expect(bounds("custom", now, "2026-02-01", "2026-02-28")).toEqual({
			from: new Date(2026, 1, 1),
			to: new Date(2026, 2, 1),
		}));
	it.each([
		["", "2026-02-01"],
		["2026-02-02", "2026-02-01"],
	])("from %j to %j is none", (first, last) => expect(bounds("custom", now, first, last)).toBeUndefined());
});

it("a date field has the reader's own day", () =>
	expect(dateField(new Date(2026, 0, 5, 23, 59))).toBe("2026-01-05"));

it("the CSV has a column for every cell, and nothing for what there is none of", () => {
	const row: Row = {
		...{
			queue: "=desk",
			client: null,
			from: "2026-03-02T08:00:00Z",
			to: "2026-03-02T09:00:00Z",
			complete: true,
		},
		...{
			target_percent: 80,
			target_ms: 20000,
			target_mixed: false,
			offered: 0,
			answered: 0,
			answered_within: 0,
		},
		...{ abandoned: 0, abandoned_short: 0, other: 0, waiting: 0, service_level: null, wait_average_ms: null },
		...{ wait_longest_ms: null, hold_average_ms: null },
		levels: [{ name: "of-answered", percent: null, part: 0, whole: 0, formula: "f" }],
		handling: { handled: 0, aht_ms: null, talk_ms: null, hold_ms: null, wrap_ms: null },
		abandonment: {
			short_ms: 5000,
			percent: null,
			all_percent: null,
			wait_average_ms: null,
			wait_longest_ms: null,
		},
	};
	const staff = { agents: 0, occupancy: null, formula: "", staffed_ms: 0, states_ms: {}, breaks_ms: {} };
	const report: Report = { from: row.from, to: row.to, formula: "", queues: [row], staff };
	const [head = [], line = []] = table(report);
	expect(line.length).toBe(head.length);
	expect(line[head.indexOf("of-answered_percent")]).toBeNull();
	expect(line[head.indexOf("short_abandon_ms")]).toBe(5000);
	expect(csv([line])).toContain(',"\'=desk",,true,80,20000,0,0,0,0,0,0,0,,0,0,,,0,,,,,5000,,\r\n');
});
