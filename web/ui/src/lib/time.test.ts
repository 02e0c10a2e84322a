import { describe, expect, it } from "vitest";
import { duration, hours, moment, percent, since, spoken } from "./time";

describe("duration", () => {
	it.each([
		[-500, "0:00"],
		[999, "0:00"],
		[7_000, "0:07"],
		[60_000, "1:00"],
		[3_599_999, "59:59"],
		[3_600_000, "1 h 00"],
		[86_399_000, "23 h 59"],
		[44_715 * 60_000, "31 d 1 h"],
	])("%d ms reads %s", (ms, want) => expect(duration(ms)).toBe(want));
});

it("hours of work do not become days", () =>
	expect([0, 59_000, 3_900_000, 95_400_000].map(hours)).toEqual(["0 h 00", "0 h 00", "1 h 05", "26 h 30"]));

describe("spoken", () => {
	it.each([
		[0, "0 seconds"],
		[1_000, "1 second"],
		[80_000, "1 minute 20 seconds"],
		[120_000, "2 minutes"],
		[3_660_000, "1 hour 1 minute"],
	])("%d ms is said %s", (ms, want) => expect(spoken(ms)).toBe(want));
});

it("a figure that cannot be computed is a dash, not 0 %", () => {
	expect(percent(null)).toBe("–");
	expect(percent(0)).toBe("0 %");
	expect(percent(79.99)).toBe("79 %"); // never rounded up to the target
});

it("counts from an instant, and not without one", () => {
	expect(since("2026-03-02T12:00:00Z", Date.parse("2026-03-02T12:00:05Z"))).toBe(5000);
	expect(since(undefined, 1)).toBe(0);
});

it("says a moment without year and seconds", () => {
	expect(moment("2026-03-02T09:05:59Z")).toMatch(/^2 Mar, \d\d:05$/);
});
