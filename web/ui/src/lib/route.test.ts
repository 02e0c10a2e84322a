import { expect, it } from "vitest";
import { routeOf } from "./route.svelte";

it.each([
	["/", { page: "board" }],
	["/calls", { page: "calls" }],
	["/calls/0198-a", { page: "call", id: "0198-a" }],
	["/tickets/T-100001", { page: "ticket", id: "T-100001" }],
	["/reports", { page: "reports" }],
	["/reports/x", { page: "unknown" }],
	["/lost", { page: "lost" }],
	["/blocks", { page: "blocks" }],
	["/lost/x", { page: "unknown" }],
	["/flows", { page: "flows" }],
	["/flows/support", { page: "flows", id: "support" }],
	["/tickets", { page: "unknown" }],
	["/calls/a/b", { page: "unknown" }],
	["/nothing", { page: "unknown" }],
])("%s", (path, want) => expect(routeOf(path)).toEqual(want));
