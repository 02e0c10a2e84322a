import { describe, expect, it } from "vitest";
import { csv } from "./csv";
import { bounds, others, type Period, type Report, type Row, staffTable, table } from "./report";

const berlin = "Europe/Berlin";
const now = new Date("2026-03-02T09:30:15Z");
const period = (of: Period, at = now, first = "", last = "") => bounds(of, at, berlin, first, last);

describe("a period", () => {
	it("of today ends with the minute that is", () =>
		expect(period("today")).toEqual({ from: "2026-03-02", to: "2026-03-02T09:31:00.000Z" }));
	it("is never empty, at midnight neither", () =>
		expect(period("today", new Date("2026-03-01T23:00:00Z"))).toEqual({
			from: "2026-03-02",
			to: "2026-03-01T23:01:00.000Z",
		}));
	it("is of the desk's day, wherever the reader is", () =>
		expect(bounds("yesterday", new Date("2026-03-02T02:00:00Z"), "America/New_York", "", "")).toEqual({
			from: "2026-02-28",
			to: "2026-03-01",
		}));
	it("of yesterday is that day", () =>
		expect(period("yesterday")).toEqual({ from: "2026-03-01", to: "2026-03-02" }));
	it("of 7 days begins six days ago", () => expect(period("week")?.from).toBe("2026-02-24"));
	it("of a month is a whole one when it is over", () => {
		expect(period("month")?.from).toBe("2026-03-01");
		expect(period("last month")).toEqual({ from: "2026-02-01", to: "2026-03-01" });
	});
	it("of dates holds the last one whole", () =>
		expect(period("custom", now, "2026-02-01", "2026-02-28")).toEqual({
			from: "2026-02-01",
			to: "2026-03-01",
		}));
	it.each([
		["", "2026-02-01"],
		["2026-02-02", "2026-02-01"],
	])("from %j to %j is none", (first, last) => expect(period("custom", now, first, last)).toBeUndefined());
});

it("the CSV has a column for every cell, and nothing for what there is none of", () => {
	const row: Row = {
		...{
			queue: "=desk",
			client: null,
			from: "2026-03-02T08:00:00Z",
			to: "2026-03-02T09:00:00Z",
			zone: berlin,
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
		...{ wait_longest_ms: null, wait_all_ms: null, hold_average_ms: null, waiting_beyond: 0 },
		outcomes: { answered: 0, "exit-key": 0 },
		levels: [{ name: "of-answered", percent: null, part: 0, whole: 0, formula: "f" }],
		handling: { handled: 0, aht_ms: null, talk_ms: null, hold_ms: null, wrap_ms: null },
		abandonment: {
			short_ms: 5000,
			percent: null,
			all_percent: null,
			wait_average_ms: null,
			wait_longest_ms: null,
		},
		callbacks: {
			...{ asked: 2, open: 1, reached: 1, tries: 3, ends: {} },
			...{ wait_average_ms: 60000, wait_longest_ms: 60000 },
		},
	};
	const staff = { agents: 0, occupancy: null, formula: "", staffed_ms: 0, states_ms: {}, breaks_ms: {} };
	const report: Report = {
		from: row.from,
		to: row.to,
		zone: berlin,
		formula: "",
		queues: [row],
		staff,
		staff_by: [],
	};
	expect(others({ ...row, outcomes: { answered: 3, abandoned: 1, "exit-key": 2, moved: 0, empty: 1 } })).toBe(
		"2 exit-key, 1 empty",
	);
	const [staffHead = [], staffLine = []] = staffTable({
		...report,
		staff_by: [
			{ ...staff, from: row.from, to: row.to, occupancy: 50, staffed_ms: 7, states_ms: { break: 7 } },
		],
	});
	expect(staffLine.length).toBe(staffHead.length);
	expect(staffLine[staffHead.indexOf("break_ms")]).toBe(7);
	expect(staffLine[staffHead.indexOf("ready_ms")]).toBe(0);
	expect(staffTable(report)[1]?.[staffHead.indexOf("from")]).toBe(row.from); // the whole, when nothing else was asked for
	const [head = [], line = []] = table(report);
	expect(line.length).toBe(head.length);
	expect(line[head.indexOf("of-answered_percent")]).toBeNull();
	expect(line[head.indexOf("short_abandon_ms")]).toBe(5000);
	expect(line[head.indexOf("callbacks_reached")]).toBe(1);
	expect(line[head.indexOf("local_from")]).toBe("2026-03-02 09:00");
	expect(csv([line])).toContain(
		',"\'=desk",,true,80,20000,0,0,0,0,0,0,0,0,0,0,,0,0,,,,0,,,,,5000,,,2,1,1,3,60000\r\n',
	);
});
