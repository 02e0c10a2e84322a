// The one stream of a tab. Pages read board and now; nothing else polls.
import type { Role } from "./api";
import { type Age, age, applyPatch, type Board, type Patch, type Ping } from "./board";

export class Live {
	/** The board, replaced as a whole; rows that did not change stay the same objects. */
	board = $state.raw<Board | null>(null);
	/** The server's clock, each second. */
	now = $state(Date.now());
	age = $state<Age>("connecting");
	silent = $state(0);
	/** Who looks, as far as the server has said. */
	role = $state.raw<Role | null>(null);

	#source: EventSource | null = null;
	#heard = 0; // by our own clock
	#skew = 0; // server's clock minus ours
	#connected = false;
	#journal = true;
	#timer: ReturnType<typeof setInterval> | undefined;

	constructor(private readonly signedOut: () => void) {}

	start(): void {
		if (this.#source) return;
		this.#timer = setInterval(() => this.#tick(), 1000);
		this.#open();
	}

	stop(): void {
		clearInterval(this.#timer);
		this.#source?.close();
		this.#source = null;
	}

	#open(): void {
		const source = new EventSource("/api/v1/live");
		this.#source = source;
		source.onopen = () => {
			this.#connected = true;
		};
		source.onerror = () => {
			this.#connected = false;
			this.#tick();
			if (source.readyState === EventSource.CLOSED) void this.#refused();
		};
		source.addEventListener("snapshot", (e) => {
			const board = JSON.parse(e.data) as Board;
			this.#hear(board.at, true);
			this.board = board;
		});
		source.addEventListener("patch", (e) => {
			const patch = JSON.parse(e.data) as Patch;
			this.#hear(patch.at, true);
			if (this.board) this.board = applyPatch(this.board, patch);
		});
		source.addEventListener("ping", (e) => {
			const ping = JSON.parse(e.data) as Ping;
			this.#hear(ping.at, ping.live);
		});
	}

	/** The browser gave up: no permission any more, or a server that cannot say just now. */
	async #refused(): Promise<void> {
		const me = await fetch("/api/v1/me").catch(() => null);
		if (me?.status === 401) {
			this.stop();
			this.signedOut();
			return;
		}
		setTimeout(() => this.#source && this.#open(), 2000);
	}

	#hear(at: string, journal: boolean): void {
		this.#heard = Date.now();
		this.#skew = Date.parse(at) - this.#heard;
		this.#connected = true;
		this.#journal = journal;
		this.#tick();
	}

	#tick(): void {
		const mine = Date.now();
		this.now = mine + this.#skew;
		this.silent = this.#heard ? mine - this.#heard : 0;
		this.age = age(this.#heard, this.#connected, this.#journal, mine);
	}
}
