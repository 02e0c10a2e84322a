// Lost callers and blocked ones: what the pages say of them. Pure functions.
import type { components } from "./schema";
import { clock } from "./time";

type Schemas = components["schemas"];
export type LostCaller = Schemas["LostCaller"];
export type Block = Schemas["Block"];
export type Callback = Schemas["Callback"];
export type Incident = Schemas["Incident"];

/** Those who wait for a call: the longest first. */
export const byArrival = <C extends { joined: string; id: string }>(callers: C[]): C[] =>
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

const backEnds: Record<NonNullable<Callback["end"]>, string> = {
	reached: "reached",
	redialled: "called again meanwhile",
	unreachable: "unreachable",
	expired: "expired",
	withdrawn: "withdrawn",
	settled: "settled",
};

/** How a request to be called back ended. */
export const backEnd = (c: Callback): string => (c.end ? backEnds[c.end] : "");

/** How far a request is that is open. */
export const backState = (c: Callback): string =>
	c.held ? "to be released" : c.live ? "being called" : "waits";

/** From when on, or until when, it is of use: "after 15:00", "until 15:00". */
export const whenOf = (c: Callback): string =>
	c.after && !c.live ? `after ${clock(c.after)}` : `until ${clock(c.expires)}`;

/** The tries so far; those that found nobody there count towards giving up. */
export function shortTries(c: Callback): string {
	if (c.attempts.length === 0) return "none";
	const missed = c.attempts.filter((a) => a.counts).length;
	return missed === 0 ? String(c.attempts.length) : `${c.attempts.length}, nobody there ${missed}`;
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
