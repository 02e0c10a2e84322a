import { describe, expect, it } from "vitest";
import { dateIn, interval, later, local, monthOf } from "./zone";

const berlin = "Europe/Berlin";

it("a date is the one that the clock of the zone shows", () => {
	const at = new Date("2026-03-28T23:30:00Z");
	expect([berlin, "UTC", "America/New_York"].map((z) => dateIn(z, at))).toEqual([
		"2026-03-29",
		"2026-03-28",
		"2026-03-28",
	]);
});

it("days are counted by the calendar, whatever their length", () => {
	expect(later("2026-03-29", 1)).toBe("2026-03-30");
	expect(later("2026-01-01", -1)).toBe("2025-12-31");
	expect([monthOf("2026-03-29"), monthOf("2026-01-31", 1), monthOf("2026-01-31", -1)]).toEqual([
		"2026-03-01",
		"2026-02-01",
		"2025-12-01",
	]);
});

describe("an interval", () => {
	it.each([
		["of 23 hours is its day", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "Sun 29 Mar"],
		["of 25 hours is its day", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", "Sun 25 Oct"],
		[
			"of a week is its days, the last included",
			"2026-03-22T23:00:00Z",
			"2026-03-29T22:00:00Z",
			"Mon 23 Mar to Sun 29 Mar",
		],
		[
			"of a day so far says until when",
			"2026-03-28T23:00:00Z",
			"2026-03-29T10:00:00Z",
			"Sun 29 Mar, until 12:00",
		],
		[
			"of the rest of a day says from when",
			"2026-03-29T10:00:00Z",
			"2026-03-29T22:00:00Z",
			"Sun 29 Mar, from 12:00",
		],
	])("%s", (_, from, to, want) => expect(interval(berlin, from, to, true)).toBe(want));
	it("of an hour is when it begins", () =>
		expect(interval(berlin, "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z", false)).toBe(
			"Sun 29 Mar, 03:00",
		));
	it("of a day that begins at one, where the clock skips midnight", () =>
		expect(interval("Africa/Cairo", "2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z", true)).toBe(
			"Fri 24 Apr",
		));
});

it("a spreadsheet reads date and time of the zone", () =>
	expect(local(berlin, "2026-03-29T01:00:00Z")).toBe("2026-03-29 03:00"));
