// Paths of the pages. Links stay plain links; a click on one of ours changes the
// page without loading it again.

export type Route =
	| { page: "board" }
	| { page: "calls" }
	| { page: "call"; id: string }
	| { page: "ticket"; id: string }
	| { page: "reports" }
	| { page: "callbacks" }
	| { page: "incidents" }
	| { page: "on-call" }
	| { page: "lost" }
	| { page: "blocks" }
	| { page: "flows"; id?: string }
	| { page: "unknown" };

export function routeOf(path: string): Route {
	const [first, id, more] = path.split("/").filter(Boolean).map(decodeURIComponent);
	if (more) return { page: "unknown" };
	if (!first) return { page: "board" };
	if (first === "calls") return id ? { page: "call", id } : { page: "calls" };
	if (first === "tickets" && id) return { page: "ticket", id };
	const lists = ["reports", "callbacks", "incidents", "on-call", "lost", "blocks"] as const;
	if (first === "flows") return id ? { page: "flows", id } : { page: "flows" };
	const list = lists.find((l) => l === first);
	if (list && !id) return { page: list };
	return { page: "unknown" };
}

export class Way {
	route = $state.raw<Route>(routeOf(location.pathname));

	constructor() {
		window.addEventListener("popstate", () => {
			this.route = routeOf(location.pathname);
		});
		document.addEventListener("click", (e) => this.#click(e));
	}

	go(path: string): void {
		history.pushState(null, "", path);
		this.route = routeOf(path);
		window.scrollTo(0, 0);
	}

	#click(e: MouseEvent): void {
		if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
		const link = e.target instanceof Element ? e.target.closest("a") : null;
		if (!link || link.target || link.origin !== location.origin) return;
		if (link.pathname.startsWith("/api/") || link.pathname.startsWith("/sign-") || link.hash) return;
		e.preventDefault();
		this.go(link.pathname);
	}
}
