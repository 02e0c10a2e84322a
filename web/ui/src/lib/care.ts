// Lost callers and blocked ones: what the pages say of them. Pure functions.
import type { components } from "./schema";

type Schemas = components["schemas"];
export type LostCaller = Schemas["LostCaller"];
export type Block = Schemas["Block"];

/** Those who wait for a call: the longest first. */
export const byArrival = (callers: LostCaller[]): LostCaller[] =>
	[...callers].sort((a, b) => a.joined.localeCompare(b.joined) || a.id.localeCompare(b.id));

const ends: Record<NonNullable<LostCaller["end"]>, string> = {
	"called-back": "called back",
	"called-again-and-answered": "called again and answered",
	"resolved-elsewhere": "resolved elsewhere",
	unreachable: "unreachable",
	declined: "declined",
};

/** How a lost caller came off the list. */
export const endOf = (c: LostCaller): string => (c.end ? ends[c.end] : "");

/** The calls and tries of a lost caller in a few words. */
export function effort(c: LostCaller): string {
	const calls = c.count === 1 ? "1 call" : `${c.count} calls`;
	if (c.tries.length === 0) return calls;
	return `${calls}, ${c.tries.length === 1 ? "1 try" : `${c.tries.length} tries`}`;
}

/** Whom a block is for, for people. */
export function whom(b: Block): string {
	if (b.number === "withheld") return "everybody who withholds the number";
	return b.number.endsWith("*") ? `all that begin with ${b.number.slice(0, -1)}` : b.number;
}

const states: Record<Block["state"], string> = {
	proposed: "proposed",
	"in-force": "in force",
	expired: "expired",
	declined: "declined",
	lifted: "lifted",
};

/** How far a block is; a proposal of the panic button holds for a while by itself. */
export const stateOf = (b: Block): string =>
	b.state === "proposed" && b.holds ? "proposed, kept out meanwhile" : states[b.state];

/** For how long to block, as it is chosen. Only a supervisor may choose "forever". */
export const spans = {
	"1": "1 day",
	"7": "7 days",
	"30": "30 days",
	"365": "1 year",
	forever: "for ever",
} as const;
export type Span = keyof typeof spans;

/** The end of a span that begins now, to the second; none for ever. */
export function until(span: Span, now: Date): string | undefined {
	if (span === "forever") return undefined;
	const end = new Date(now);
	end.setDate(end.getDate() + Number(span));
	end.setMilliseconds(0);
	return end.toISOString();
}
