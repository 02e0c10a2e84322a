import { describe, expect, it } from "vitest";
import { csv } from "./csv";

describe("a field", () => {
	it.each([
		["desk", "desk"],
		["Service desk", "Service desk"],
		["a,b", '"a,b"'],
		["a;b", '"a;b"'],
		['say "no"', '"say ""no"""'],
		["two\nlines", '"two\nlines"'],
		[0, "0"],
		[-1.5, "-1.5"],
		[null, ""],
		[undefined, ""],
		[Number.NaN, ""],
	])("%j is %s", (c, want) => expect(csv([[c]])).toBe(`${want}\r\n`));
});

describe("a text that a spreadsheet would run", () => {
	it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\uff1d1", "\u00a0=1"])(
		"%j begins with an apostrophe, in quotes",
		(c) => expect(csv([[c]])).toBe(`"'${c}"\r\n`),
	);
	it("cannot leave its field", () =>
		expect(csv([['=HYPERLINK("http://x","y")', "b"]])).toBe('"\'=HYPERLINK(""http://x"",""y"")",b\r\n'));
	it("is not made of a text that only holds such a sign", () => expect(csv([["a=b-c"]])).toBe("a=b-c\r\n"));
});

it("rows end as RFC 4180 says, the last too", () =>
	expect(
		csv([
			["a", "b"],
			[1, null],
		]),
	).toBe("a,b\r\n1,\r\n"));
