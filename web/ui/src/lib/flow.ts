// What the pages say of flows: pure functions.
import type { components } from "./schema";

type Schemas = components["schemas"];
export type FlowRow = Schemas["FlowRow"];
export type FlowGraph = Schemas["FlowGraph"];
export type FlowBox = Schemas["DrawnBox"];
export type Version = Schemas["CentreVersion"];

/** How many of those who came to a node hung up there, in percent of whole; null when nobody came. */
export function dropOff(box: FlowBox): number | null {
	const c = box.count;
	if (!c || c.entered === 0) return null;
	return Math.round((100 * c.left) / c.entered);
}

/** A node's counts in words. */
export function counted(box: FlowBox): string {
	const c = box.count;
	if (!c) return "";
	const lost = dropOff(box);
	const left = lost === null || c.left === 0 ? "nobody hung up here" : `${c.left} hung up here (${lost} %)`;
	return `${c.now} in it now, ${c.entered} came today, ${left}`;
}

/** The nodes at which most hang up, the worst first. */
export const worst = (boxes: FlowBox[], most: number): FlowBox[] =>
	boxes
		.filter((b) => (b.count?.left ?? 0) > 0)
		.sort((a, b) => (b.count?.left ?? 0) - (a.count?.left ?? 0) || a.node.localeCompare(b.node))
		.slice(0, most);

/** What a version is called: the beginning of its hash. */
export const shortHash = (hash: string): string => hash.slice(0, 12);
