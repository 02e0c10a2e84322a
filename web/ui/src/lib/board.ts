// The board's state and what follows from it: pure functions, so that they can
// be tested without a browser.
import type { components } from "./schema";
import { duration, spoken } from "./time";

type Schemas = components["schemas"];
export type Board = Schemas["BoardView"];
export type Patch = Schemas["Patch"];
export type Ping = Schemas["Ping"];
export type QueueRow = Schemas["QueueRow"];
export type AgentRow = Schemas["AgentRow"];
export type CallRow = Schemas["CallRow"];
export type AgentState = AgentRow["state"];
export type CallState = CallRow["state"];

type Delta<R> = { set: R[]; drop: string[] } | undefined;

function merge<R extends { id: string }>(rows: R[], delta: Delta<R>): R[] {
	if (!delta) return rows;
	const set = new Map(delta.set.map((r) => [r.id, r]));
	const gone = new Set(delta.drop);
	const kept = rows.filter((r) => !gone.has(r.id)).map((r) => set.get(r.id) ?? r);
	const known = new Set(kept.map((r) => r.id));
	return [...kept, ...delta.set.filter((r) => !known.has(r.id))];
}

/** The board with a patch folded in. Rows that did not change stay the same objects. */
export function applyPatch(b: Board, p: Patch): Board {
	return {
		seq: p.seq,
		at: p.at,
		totals: p.totals ?? b.totals,
		queues: merge(b.queues, p.queues),
		agents: merge(b.agents, p.agents),
		calls: merge(b.calls, p.calls),
	};
}

export type Level = "ok" | "warn" | "breach";

/** How a wait stands to its target: a warning from three quarters of it on. */
export function waitLevel(ms: number, targetMs: number): Level {
	if (targetMs <= 0 || ms < 0.75 * targetMs) return "ok";
	return ms > targetMs ? "breach" : "warn";
}

/** How a service level stands to its target: a breach from ten points below it on. */
export function serviceLevel(p: number | null, target: number): Level {
	if (p === null || p >= target) return "ok";
	return p < target - 10 ? "breach" : "warn";
}

export const worst = (...levels: Level[]): Level =>
	levels.includes("breach") ? "breach" : levels.includes("warn") ? "warn" : "ok";

/** A queue's own level: its longest wait, its last half hour, and whether anybody is there at all. */
export function queueLevel(q: QueueRow, now: number): Level {
	const wait = q.longest_since ? now - Date.parse(q.longest_since) : 0;
	const staffed = q.agents.available + q.agents.ringing + q.agents.talking + q.agents.wrap_up;
	const deserted: Level = q.waiting > 0 && staffed === 0 ? "breach" : "ok";
	return worst(waitLevel(wait, q.target_ms), serviceLevel(q.service_level_30m, q.target_percent), deserted);
}

const callOrder: Record<CallState, number> = {
	waiting: 0,
	ringing: 0,
	"in-flow": 1,
	"on-hold": 2,
	talking: 2,
	ended: 3,
};

/** Calls as they are listed: those who wait first, then by arrival (ids sort by it). */
export function sortCalls(calls: CallRow[]): CallRow[] {
	return [...calls].sort((a, b) => callOrder[a.state] - callOrder[b.state] || (a.id < b.id ? -1 : 1));
}

export const agentStates: AgentState[] = [
	"ringing",
	"talking",
	"on-hold",
	"wrap-up",
	"available",
	"break",
	"unreachable",
	"offline",
];

/** Agents by state, in the order above, without empty groups. */
export function agentGroups(agents: AgentRow[]): { state: AgentState; agents: AgentRow[] }[] {
	return agentStates
		.map((state) => ({
			state,
			agents: agents.filter((a) => a.state === state).sort((a, b) => a.name.localeCompare(b.name)),
		}))
		.filter((g) => g.agents.length > 0);
}

/** The wait to show for a call: counting while it waits, else what it was. */
export function waitOf(c: CallRow, now: number): number {
	const waits = c.state === "waiting" || c.state === "ringing";
	return waits && c.joined ? now - Date.parse(c.joined) : c.wait_ms;
}

/** One sentence for those who hear the board. */
export function summary(b: Board, now: number): string {
	const queues = b.queues.filter((q) => q.waiting > 0);
	if (queues.length === 0) return "Nobody is waiting.";
	return queues
		.map((q) => {
			const longest = q.longest_since ? `, longest ${spoken(now - Date.parse(q.longest_since))}` : "";
			return `${q.name}: ${q.waiting} waiting${longest}.`;
		})
		.join(" ");
}

export type Age = "connecting" | "live" | "stale" | "lost";

/**
 * How old the data is. The server says something every 15 s at least, so a
 * silence of 20 s is a late message and one of 35 s a lost line.
 */
export function age(heard: number, connected: boolean, journal: boolean, now: number): Age {
	if (heard === 0) return connected ? "connecting" : "lost";
	const silent = now - heard;
	if (silent > 35_000 || (!connected && silent > 5_000)) return "lost";
	return silent > 20_000 || !connected || !journal ? "stale" : "live";
}

/** The age in words. */
export function ageText(a: Age, silentMs: number): string {
	switch (a) {
		case "connecting":
			return "connecting";
		case "live":
			return "live";
		case "stale":
			return `stale ${duration(silentMs)}`;
		case "lost":
			return "LOST CONNECTION";
	}
}
