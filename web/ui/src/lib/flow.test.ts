import { expect, it } from "vitest";
import { counted, dropOff, type FlowBox, worst } from "./flow";

function box(node: string, now: number, entered: number, left: number): FlowBox {
	const id = `support/${node}`;
	return {
		id,
		flow: "support",
		node,
		kind: "menu",
		level: 1,
		count: { now, entered, left },
		x: 0,
		y: 0,
		w: 10,
		h: 10,
		lines: [id],
	};
}

it("tells a node's counts", () => {
	expect(counted(box("main", 2, 8, 2))).toBe("2 in it now, 8 came today, 2 hung up here (25 %)");
	expect(counted(box("main", 0, 8, 0))).toBe("0 in it now, 8 came today, nobody hung up here");
});

it("has no drop-off where nobody came", () => {
	expect(dropOff(box("main", 0, 0, 0))).toBeNull();
	expect(dropOff(box("main", 0, 3, 1))).toBe(33);
});

it("names the nodes at which most hang up first", () => {
	const all = [box("a", 0, 9, 1), box("b", 0, 9, 0), box("c", 0, 9, 5), box("d", 0, 9, 1)];
	expect(worst(all, 2).map((b) => b.node)).toEqual(["c", "a"]);
});
