import { expect, it } from "vitest";
import {
	type Block,
	backEnd,
	backState,
	byArrival,
	type Callback,
	effort,
	endOf,
	type LostCaller,
	shortTries,
	stateOf,
	until,
	whom,
} from "./care";

function caller(over: Partial<LostCaller> = {}): LostCaller {
	return {
		id: "l1",
		call: "c1",
		ticket: "T-1",
		from: { number: "030123" },
		at: "2026-03-02T09:01:00Z",
		joined: "2026-03-02T09:00:00Z",
		reason: "abandoned",
		calls: [],
		count: 1,
		tries: [],
		open: true,
		...over,
	};
}

function block(over: Partial<Block> = {}): Block {
	return {
		id: "b1",
		number: "+4930123",
		state: "proposed",
		holds: false,
		reason: "threats",
		proposed: { at: "2026-03-02T09:00:00Z", by: "agent:ana" },
		refused: 0,
		...over,
	};
}

it("lists first who has waited longest for a call", () => {
	const list = [
		caller({ id: "b", joined: "2026-03-02T10:00:00Z" }),
		caller({ id: "c" }),
		caller({ id: "a" }),
	];
	expect(byArrival(list).map((c) => c.id)).toEqual(["a", "c", "b"]);
});

it("says how often a caller phoned and was tried", () => {
	expect(effort(caller())).toBe("1 call");
	const tries = [{ at: "", by: "agent:ana", reached: false }];
	expect(effort(caller({ count: 3, tries }))).toBe("3 calls, 1 try");
	expect(endOf(caller({ end: "called-again-and-answered" }))).toBe("called again and answered");
	expect(endOf(caller())).toBe("");
});

it.each([
	["+4930123", "+4930123"],
	["+4930123*", "all that begin with +4930123"],
	["withheld", "everybody who withholds the number"],
])("a block of %s is for %s", (number, want) => expect(whom(block({ number }))).toBe(want));

function back(over: Partial<Callback> = {}): Callback {
	return {
		...{ id: "b1", asked: "2026-03-02T09:01:00Z", call: "c1", ticket: "T-1", customer: {}, line: "1000" },
		...{ queue: "q", joined: "2026-03-02T09:00:00Z", first: "agent", expires: "2026-03-02T13:00:00Z" },
		...{ by: "caller", live: false, attempts: [], ...over },
	};
}

it("says how far a callback is, and how often it was tried", () => {
	expect(backState(back())).toBe("waits");
	expect(backState(back({ live: true }))).toBe("being called");
	expect(backState(back({ held: true }))).toBe("to be released");
	expect(backEnd(back({ end: "redialled" }))).toBe("called again meanwhile");
	expect(shortTries(back())).toBe("none");
	const began = "2026-03-02T09:05:00Z";
	const attempts = [
		{ call: "c2", began },
		{ call: "c3", began, counts: true },
	];
	expect(shortTries(back({ attempts }))).toBe("2, nobody there 1");
});

it("says when a proposal keeps the caller out already", () => {
	expect(stateOf(block())).toBe("proposed");
	expect(stateOf(block({ holds: true }))).toBe("proposed, kept out meanwhile");
	expect(stateOf(block({ holds: true, state: "in-force" }))).toBe("in force");
});

it("ends a block to the second, or never", () => {
	const now = new Date("2026-03-02T09:00:00.900Z");
	expect(until("7", now)).toBe("2026-03-09T09:00:00.000Z");
	expect(until("forever", now)).toBeUndefined();
});
