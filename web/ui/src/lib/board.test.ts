import { describe, expect, it } from "vitest";
import {
	type AgentRow,
	age,
	agentGroups,
	applyPatch,
	type Board,
	type CallRow,
	type QueueRow,
	queueLevel,
	serviceLevel,
	sortCalls,
	summary,
	waitLevel,
	waitOf,
} from "./board";

const noon = Date.parse("2026-03-02T12:00:00Z");
const ago = (s: number) => new Date(noon - s * 1000).toISOString();
const nobody = { available: 0, ringing: 0, talking: 0, wrap_up: 0, break: 0, unreachable: 0, offline: 0 };

function queue(over: Partial<QueueRow> = {}): QueueRow {
	return {
		id: "desk",
		name: "Desk",
		waiting: 0,
		target_percent: 80,
		target_ms: 20_000,
		service_level_30m: null,
		service_level_today: null,
		offered_today: 0,
		answered_today: 0,
		abandoned_today: 0,
		short_today: 0,
		other_today: 0,
		wait_average_ms: null,
		callbacks_open: 0,
		callbacks_taken_today: 0,
		callbacks_reached_today: 0,
		agents: { ...nobody, available: 1 },
		...over,
	};
}

function calling(id: string, over: Partial<CallRow> = {}): CallRow {
	return {
		id,
		ticket: "T-1",
		number: "…456",
		to: "1000",
		state: "waiting",
		since: ago(9),
		joined: ago(9),
		wait_ms: 0,
		target_ms: 20_000,
		...over,
	};
}

function board(over: Partial<Board> = {}): Board {
	const totals = {
		waiting: 0,
		service_level_30m: null,
		service_level_today: null,
		answered_today: 0,
		abandoned_today: 0,
		abandoned_percent: null,
		left_today: 0,
		zone: "UTC",
		complete: true,
		lost_today: 0,
		lost_open: 0,
		callbacks_open: 0,
		callbacks_reached_today: 0,
		tickets_open: 0,
		tickets_late: 0,
		agents: nobody,
	};
	return { seq: 1, at: ago(0), totals, queues: [], agents: [], calls: [], ...over };
}

describe("a patch", () => {
	it("sets, adds and drops rows and leaves the others the same objects", () => {
		const before = board({ calls: [calling("a"), calling("b"), calling("c")] });
		const after = applyPatch(before, {
			seq: 2,
			at: ago(0),
			calls: { set: [calling("b", { state: "talking" }), calling("d")], drop: ["a"] },
		});
		expect(after.calls.map((c) => c.id)).toEqual(["b", "c", "d"]);
		expect(after.calls[0]?.state).toBe("talking");
		expect(after.calls[1]).toBe(before.calls[2]);
		expect(after.queues).toBe(before.queues);
		expect(after.seq).toBe(2);
	});

	it("gives the same board when it comes twice", () => {
		const p = { seq: 2, at: ago(0), calls: { set: [calling("a")], drop: ["z"] } };
		const once = applyPatch(board(), p);
		expect(applyPatch(once, p)).toEqual(once);
	});
});

describe("levels", () => {
	it.each([
		[14_999, "ok"],
		[15_000, "warn"],
		[20_000, "warn"],
		[20_001, "breach"],
	])("a wait of %d ms against 20 s is %s", (ms, want) => expect(waitLevel(ms, 20_000)).toBe(want));

	it.each([
		[null, "ok"],
		[80, "ok"],
		[79, "warn"],
		[69, "breach"],
	])("a service level of %s against 80 is %s", (p, want) => expect(serviceLevel(p, 80)).toBe(want));

	it("a queue with callers and nobody there is a breach at once", () => {
		expect(
			queueLevel(queue({ waiting: 1, longest_since: ago(1), agents: { ...nobody, break: 3 } }), noon),
		).toBe("breach");
		expect(queueLevel(queue({ waiting: 1, longest_since: ago(1) }), noon)).toBe("ok");
	});
});

it("lists those who wait first, then by arrival", () => {
	const calls = [
		calling("1", { state: "talking" }),
		calling("3"),
		calling("2", { state: "ringing" }),
		calling("4", { state: "in-flow" }),
	];
	expect(sortCalls(calls).map((c) => c.id)).toEqual(["2", "3", "4", "1"]);
});

it("counts a wait on while it lasts and stands still after", () => {
	expect(waitOf(calling("1"), noon)).toBe(9_000);
	expect(waitOf(calling("1", { state: "talking", wait_ms: 4_000 }), noon)).toBe(4_000);
});

it("groups agents by state, busiest first, by name within", () => {
	const agent = (name: string, state: AgentRow["state"]): AgentRow => ({
		id: name,
		name,
		level: 1,
		presence: "available",
		state,
		since: ago(1),
	});
	const groups = agentGroups([
		agent("Zoe", "available"),
		agent("Ben", "break"),
		agent("Ana", "available"),
		agent("Cy", "talking"),
	]);
	expect(groups.map((g) => [g.state, g.agents.map((a) => a.name)])).toEqual([
		["talking", ["Cy"]],
		["available", ["Ana", "Zoe"]],
		["break", ["Ben"]],
	]);
});

it("says in one sentence who waits", () => {
	expect(summary(board(), noon)).toBe("Nobody is waiting.");
	expect(summary(board({ queues: [queue({ waiting: 4, longest_since: ago(80) })] }), noon)).toBe(
		"Desk: 4 waiting, longest 1 minute 20 seconds.",
	);
});

describe("the age of the data", () => {
	it.each([
		[0, true, true, "connecting"],
		[0, false, true, "lost"],
		[noon - 15_000, true, true, "live"],
		[noon - 21_000, true, true, "stale"],
		[noon - 36_000, true, true, "lost"],
		[noon - 1_000, false, true, "stale"],
		[noon - 6_000, false, true, "lost"],
		[noon - 1_000, true, false, "stale"],
	])("heard %d, connected %s, journal %s: %s", (heard, connected, journal, want) =>
		expect(age(heard, connected, journal, noon)).toBe(want),
	);
});
