// The pages in a real Chromium on a real server with scripted calls. Needs Go,
// Chromium, and pages that are built. SHOTS=folder keeps pictures.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const scratch = mkdtempSync(join(tmpdir(), "firstline-pages-"));
const shots = process.env.SHOTS;
if (shots) mkdirSync(shots, { recursive: true });

const program = join(scratch, "serve");
const built = spawnSync("go", ["build", "-o", program, "./web/webtest/serve"], {
	cwd: root,
	stdio: "inherit",
});
assert.equal(built.status, 0, "the test server does not build");
const server = spawn(program, { stdio: ["pipe", "pipe", "inherit"] });
const gone = new Promise((done) => server.once("exit", done));
const first = await new Promise((said) => createInterface(server.stdout).once("line", said));
const desk = JSON.parse(first);
const tell = (line) => server.stdin.write(`${line}\n`);

const browser = await chromium.launch({
	executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
	args: [
		"--no-sandbox",
		"--disable-gpu",
		"--disable-quic",
		"--no-first-run",
		"--disable-background-networking",
		"--disable-component-update",
		"--disable-sync",
	],
});

/** Everything that a page says to be wrong with it. */
const complaints = [];
async function open(context, path) {
	const page = await context.newPage();
	page.on("pageerror", (e) => complaints.push(`${path}: ${e.message}`));
	page.on("dialog", (d) => {
		complaints.push(`${path}: dialog ${d.message()}`);
		void d.dismiss();
	});
	page.on("console", (m) => {
		if (m.type() === "error") complaints.push(`${path}: ${m.text()}`);
	});
	await page.addInitScript(() => {
		document.addEventListener("securitypolicyviolation", (e) =>
			console.error(`policy: ${e.violatedDirective} ${e.blockedURI}`),
		);
	});
	await page.goto(desk.url + path);
	return page;
}

async function accessible(page, name) {
	// Playwright's own channel is not bound by the page's policy.
	await page.evaluate(axe);
	const found = await page.evaluate(() =>
		globalThis.axe.run(document, {
			runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"],
		}),
	);
	const told = found.violations.map(
		(v) => `${v.id}: ${v.nodes.map((n) => `${n.target} ${n.failureSummary}`).join("; ")}`,
	);
	assert.deepEqual(told, [], `axe on ${name}`);
}

const inert = async (page, name) =>
	assert.equal(await page.evaluate(() => globalThis.pwned), undefined, `${name} ran a caller's text`);
const shoot = async (page, name) => shots && page.screenshot({ path: join(shots, `${name}.png`) });

const steps = {
	async "a one-time link signs in, and only once"() {
		const context = await browser.newContext();
		const page = await open(context, new URL(desk.link).pathname);
		await accessible(page, "sign-in");
		await shoot(page, "sign-in");
		await page.getByRole("button", { name: "Sign in" }).click();
		await page.waitForURL(`${desk.url}/`);
		signed = context;
		const other = await browser.newContext();
		const answer = await (await other.newPage()).goto(desk.link);
		assert.equal(answer.status(), 410);
		await other.close();
		await page.close();
	},

	async "the board shows a new call, its talk and its end without reload"() {
		board = await open(signed, "/");
		await board.getByRole("heading", { name: "Calls now" }).waitFor();
		const loads = [];
		board.on("framenavigated", (f) => loads.push(f.url()));
		const row = board.locator("tr[data-call]", { hasText: "Mira New" });
		assert.equal(await row.count(), 0);
		tell("join Mira New");
		await row.waitFor();
		assert.match(await row.textContent(), /…999/);
		assert.doesNotMatch(await board.content(), /30555999/, "the whole number is on the board");
		tell("talk");
		await row.getByText("talking").waitFor();
		tell("hangup");
		await row.waitFor({ state: "detached" });
		assert.deepEqual(loads, [], "the page was loaded again");
		assert.equal(await board.locator("[data-age]").getAttribute("data-age"), "live");
	},

	async "the longest wait counts on each second"() {
		const cell = board.locator("tr[data-queue=service-desk] td").nth(2);
		const before = await cell.textContent();
		await board.waitForFunction(
			([old]) => document.querySelectorAll("tr[data-queue=service-desk] td")[2].textContent !== old,
			[before],
		);
	},

	async "no table is a live region, and one status tells the rest"() {
		assert.equal(await board.locator("table[aria-live], [aria-live] table, [role=status] table").count(), 0);
		assert.equal(await board.getByRole("status").count(), 1);
		await board.getByText("Service desk: 3 waiting").waitFor({ state: "attached", timeout: 15_000 });
	},

	async "every page is accessible and holds callers' text inert, in both schemes"() {
		for (const [name, path] of [
			["board", "/"],
			["calls", "/calls"],
			["call", `/calls/${desk.call}`],
			["ticket", `/tickets/${desk.ticket}`],
			["reports", "/reports"],
			["callbacks", "/callbacks"],
			["incidents", "/incidents"],
			["on-call", "/on-call"],
			["lost", "/lost"],
			["blocks", "/blocks"],
			["flows", "/flows"],
			["unknown", "/nothing"],
		]) {
			for (const colorScheme of ["light", "dark"]) {
				const page = await open(signed, path);
				await page.emulateMedia({ colorScheme });
				for (const [width, height] of [
					[1280, 720],
					[1920, 1080],
				]) {
					await page.setViewportSize({ width, height });
					await page.getByText("live", { exact: true }).waitFor();
					if (name === "call" || name === "ticket") await page.locator("audio").first().waitFor();
					if (name === "calls") await page.getByRole("link", { name: "T-100090" }).first().waitFor();
					if (name === "callbacks") await page.locator("tr[data-callback]").first().waitFor();
					if (name === "lost") await page.locator("tr[data-lost]").first().waitFor();
					if (name === "blocks") await page.locator("tr[data-block]").first().waitFor();
					if (name === "reports") await page.getByRole("rowheader", { name: "Service desk" }).waitFor();
					await shoot(page, `${name}-${colorScheme}-${width}`);
					if (name === "board") {
						const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
						assert.equal(wide, false, `the board is wider than ${width}`);
					}
				}
				if (name === "call") {
					await page.getByText("agents stood towards it").click();
					await page.getByRole("cell", { name: "rings for it" }).first().waitFor();
				}
				await accessible(page, `${name} ${colorScheme}`);
				await inert(page, name);
				await page.close();
			}
		}
	},

	async "a report shows every service level beside the others, and becomes a CSV"() {
		const page = await open(signed, "/reports");
		await page.setViewportSize({ width: 1280, height: 720 });
		await page.getByRole("link", { name: "Reports" }).waitFor();
		await page.getByRole("combobox", { name: "Period", exact: true }).selectOption("week");
		await page.getByRole("combobox", { name: "Rows", exact: true }).selectOption("1d");
		await page.getByLabel("By client").check();
		await page.getByRole("rowheader", { name: "Service desk" }).nth(1).waitFor();
		await page.getByRole("cell", { name: "=acme" }).first().waitFor();
		const heads = page.getByRole("columnheader", { name: "No short abandons" });
		assert.match(await heads.getAttribute("title"), /answered within T \//);
		assert.equal(await page.locator(".legend dt").count(), 9);
		await accessible(page, "reports by client");
		await shoot(page, "reports-by-client-1280");
		const [file] = await Promise.all([
			page.waitForEvent("download"),
			page.getByRole("button", { name: "Download CSV" }).click(),
		]);
		const text = readFileSync(await file.path(), "utf8");
		assert.match(text, /^\ufefffrom,to,zone,local_from,local_to,queue,client,/);
		assert.match(
			text,
			/,America\/New_York,\d{4}-\d\d-\d\d 00:00,[^,]*,service-desk,"'=acme",true,80,20000,/,
			"a day of the client's own",
		);
		assert.match(
			text,
			/,Asia\/Kolkata,\d{4}-\d\d-\d\d 00:00,[^,]*,service-desk,,true,80,20000,/,
			"a day of the desk's",
		);
		const [staff] = await Promise.all([
			page.waitForEvent("download"),
			page.getByRole("button", { name: "Staff as CSV" }).click(),
		]);
		const spent = readFileSync(await staff.path(), "utf8")
			.trim()
			.split("\r\n");
		assert.match(spent[0], /,agents,occupancy_percent,staffed_ms,ready_ms,/);
		const shown = page.getByRole("region", { name: "Agents by interval" }).locator("tbody tr");
		assert.equal(spent.length - 1, await shown.count(), "a line for each row of the page");
		await page.setViewportSize({ width: 1920, height: 1080 });
		await shoot(page, "reports-by-client-1920");
		await page.getByRole("combobox", { name: "Period", exact: true }).selectOption("custom");
		await page.getByLabel("First day").fill("2020-01-02");
		await page.getByLabel("Last day").fill("2020-01-01");
		await page.getByRole("button", { name: "Show" }).click();
		await page.getByRole("alert").getByText("The last day").waitFor();
		await page.getByLabel("Last day").fill("2020-01-03");
		await page.getByRole("button", { name: "Show" }).click();
		await page.getByText("2020-01-02 00:00 to 2020-01-04 00:00 (Asia/Kolkata), 0 rows").waitFor();
		await accessible(page, "a report of nobody");
		await page.close();
	},

	async "an incident is declared, and is over with a note"() {
		const page = await open(signed, "/incidents");
		await page.getByLabel("What is wrong").fill("<b>mail is down</b>");
		await page.getByLabel("Callers of").selectOption("network");
		await page.getByRole("button", { name: "Tell callers" }).click();
		const row = page.locator("tr[data-incident]", { hasText: "<b>mail is down</b>" });
		await row.getByRole("button", { name: "It is over…" }).click();
		await accessible(page, "incidents with a question");
		await shoot(page, "incidents");
		await page.getByLabel(/What ended/).fill("restarted");
		await page.getByRole("button", { name: "End it", exact: true }).click();
		await row.getByText("over").waitFor();
		await page.close();
	},

	async "a flow is drawn with the calls at each node, live, and a version is activated"() {
		const page = await open(signed, "/flows/support");
		const main = page.locator("g[data-node=main]");
		await main.waitFor();
		const before = Number(/(\d+) today/.exec(await main.textContent())[1]);
		assert.match(await main.textContent(), /1 now/);
		await page.getByText("Most hang up at account (3)").waitFor();
		tell("menu");
		await page.waitForFunction(
			([n]) => document.querySelector("g[data-node=main]").textContent.includes(`2 now, ${n} today`),
			[before + 1],
		);
		await shoot(page, "flows-live");
		await page.getByRole("button", { name: "Back to the one before" }).click();
		await page.getByRole("status").getByText("version 4567 is in force").waitFor();
		await page.getByText("As a table").click();
		await accessible(page, "a flow as a table");
		await page.close();
	},

	async "a callback is released, and one is withdrawn with a reason"() {
		const page = await open(signed, "/callbacks");
		const held = page.locator("tr[data-callback]", { hasText: "+4930444555" });
		await held.getByText("to be released").waitFor();
		await held.getByRole("button", { name: "Release" }).click();
		await held.getByText("waits", { exact: false }).waitFor();
		assert.equal(await held.getByRole("button", { name: "Release" }).count(), 0);
		const other = page.locator("tr[data-callback]", { hasText: "+4930123456" });
		await other.getByRole("button", { name: "Withdraw…" }).click();
		await accessible(page, "callbacks with a question");
		await shoot(page, "callbacks-withdraw");
		await page.getByLabel(/Why is/).fill("<b>solved by mail</b>");
		await page.getByRole("button", { name: "Withdraw", exact: true }).click();
		await page.getByRole("status").getByText("will not be called").waitFor();
		await other.waitFor({ state: "detached" });
		await page.getByLabel("Show").selectOption("ended");
		await page.getByText("<b>solved by mail</b>").waitFor();
		await accessible(page, "callbacks that ended");
		await page.close();
	},

	async "a lost caller comes off the list by what is said of them, and the board counts"() {
		const page = await open(signed, "/lost");
		const rows = page.locator("tr[data-lost]");
		await rows.first().waitFor();
		const many = await rows.count();
		const arrivals = await rows.locator("th").allTextContents();
		assert.deepEqual(arrivals, [...arrivals].sort(), "the one who waits longest is not first");
		const first = rows.first();
		for (let n = 1; n <= 2; n++) {
			await first.getByRole("button", { name: "Not reached" }).click();
			await first.getByText(n === 1 ? "1 try" : "2 tries").waitFor();
		}
		await first.getByRole("button", { name: "Not reached" }).click();
		await page.getByRole("status").getByText("off the list: unreachable").waitFor();
		await rows.first().getByRole("button", { name: "Decline…" }).click();
		await accessible(page, "lost with a question");
		await shoot(page, "lost-decline");
		await page.getByLabel(/Why does nobody call/).fill("<b>a prank</b>");
		await page.getByRole("button", { name: "Decline", exact: true }).click();
		await page.getByRole("status").getByText("off the list: declined").waitFor();
		await rows.first().getByRole("button", { name: "Reached", exact: true }).click();
		await page.getByRole("status").getByText("off the list: called back").waitFor();
		assert.equal(await rows.count(), many - 3);
		await page.getByLabel("Show").selectOption("ended");
		await page.getByText("<b>a prank</b>").waitFor();
		await accessible(page, "lost callers who are off the list");
		await page.close();
		await board
			.locator("dt", { hasText: "To call back" })
			.locator("~ dd.value", { hasText: String(many - 3) })
			.waitFor();
	},

	async "a proposal is approved, a block is lifted with a reason, and another is made"() {
		const page = await open(signed, "/blocks");
		const proposed = page.locator("tr[data-block]", { hasText: "+4930666123" });
		await proposed.getByLabel("For how long").selectOption("forever");
		await proposed.getByRole("button", { name: "Approve" }).click();
		await proposed.getByText("in force").waitFor();
		await proposed.getByText("for ever").waitFor();
		await proposed.getByRole("button", { name: "Lift…" }).click();
		await accessible(page, "blocks with a question");
		await page.getByLabel("Why may they call again?").fill("they apologised");
		await page.getByRole("button", { name: "Lift", exact: true }).click();
		await proposed.waitFor({ state: "detached" });
		await page.getByLabel("Number").fill("112");
		await page.getByLabel("Reason").fill("pranks");
		await page.getByRole("button", { name: "Block", exact: true }).click();
		await page.getByRole("alert").getByText("emergency number").waitFor();
		assert.equal(await page.getByLabel("Reason").inputValue(), "pranks", "what was written is gone");
		complaints.splice(0, complaints.length, ...complaints.filter((c) => !c.includes("422")));
		await page.getByLabel("Number").fill("030 999 888");
		await page.getByRole("button", { name: "Block", exact: true }).click();
		await page.locator("tr[data-block]", { hasText: "+4930999888" }).getByText("in force").waitFor();
		await shoot(page, "blocks-made");
		await page.close();
	},

	async "the panic button says what became of the caller"() {
		const page = await open(signed, `/calls/${desk.talking}`);
		await page.getByRole("button", { name: "Panic" }).click();
		await page.getByText("they are kept out meanwhile").waitFor();
		await accessible(page, "a call with the panic button");
		await shoot(page, "panic");
		await page.close();
	},

	async "the recording of a call that is up can be played"() {
		const page = await open(signed, `/calls/${desk.talking}`);
		const audio = page.locator("audio");
		await audio.waitFor();
		await page.waitForFunction(() => document.querySelector("audio").readyState >= 1);
		assert.ok((await audio.evaluate((a) => a.duration)) > 1.9);
		await page.close();
	},

	async "a note is added and told as text"() {
		const page = await open(signed, `/tickets/${desk.ticket}`);
		await page.getByLabel("New note").fill("<b onclick=alert(1)>restarted</b> the router");
		await page.getByRole("button", { name: "Add note" }).click();
		await page.getByText("<b onclick=alert(1)>restarted</b> the router").waitFor();
		await page.close();
	},

	async "a ticket is classified and moved on, and nobody's change is overwritten"() {
		const late = await signed.newPage(); // its refused change is an error in the browser's console
		await late.goto(new URL(`/tickets/${desk.ticket}`, desk.url).href);
		await late.getByRole("button", { name: "Waits for the customer" }).waitFor();
		const page = await open(signed, `/tickets/${desk.ticket}`);
		await page.setViewportSize({ width: 1280, height: 720 });
		await page.getByLabel("Users affected").fill("60");
		await page.getByLabel("of all users").fill("100");
		await page.getByLabel("Urgency").selectOption("medium");
		await page.getByLabel("Why (may be empty)").fill("<i>the whole floor</i>");
		await page.getByRole("button", { name: "Save" }).click();
		await page.getByText("· priority 2").waitFor();
		await page.getByText("(<i>the whole floor</i>)").first().waitFor();
		await page.locator('tr[data-clock="resolution"]').getByText("8 h 00").waitFor();
		await accessible(page, "a classified ticket");
		await shoot(page, "ticket-classified");
		await late.getByRole("button", { name: "Waits for the customer" }).click();
		await late.getByText("Somebody else changed the ticket meanwhile").waitFor();
		await late.getByText("· priority 2").waitFor();
		await late.getByRole("button", { name: "Waits for the customer" }).click();
		await late.getByText("· waiting customer").waitFor();
		await late.locator('tr[data-clock="resolution"]').getByText("stands still").waitFor();
		await late.close();
		await page.close();
	},

	async "one tab holds one stream"() {
		const page = await signed.newPage();
		const streams = [];
		page.on("request", (r) => r.url().endsWith("/live") && streams.push(r.url()));
		await page.goto(desk.url);
		await page.getByRole("link", { name: "T-100091", exact: true }).click();
		await page.getByRole("heading", { name: /T-100091/ }).waitFor();
		await page.getByRole("link", { name: "Board" }).click();
		await page.getByRole("heading", { name: "Queues" }).waitFor();
		assert.equal(streams.length, 1);
		await page.close();
	},

	async "a board on a wall signs in by token, names nobody and leads nowhere"() {
		const context = await browser.newContext({
			viewport: { width: 1920, height: 1080 },
			colorScheme: "dark",
		});
		const page = await open(context, "/sign-in");
		await page.getByLabel("API token").fill("kiosk-token");
		await page.getByRole("button", { name: "Sign in" }).click();
		await page.getByRole("heading", { name: "Calls now" }).waitFor();
		await page.getByText("…123").waitFor();
		assert.equal(await page.getByText("Jonas Weber").count(), 0);
		assert.equal(await page.locator("main a").count(), 0);
		await accessible(page, "kiosk");
		await shoot(page, "kiosk-dark-1920");
		await context.close();
	},

	async "sign-out ends every board of that browser"() {
		const page = await open(signed, "/");
		await page.getByRole("button", { name: "Sign out" }).click();
		await page.waitForURL(`${desk.url}/sign-in`);
		complaints.splice(0, complaints.length, ...complaints.filter((c) => !c.includes("401"))); // it is what ends them
		await board.waitForURL(`${desk.url}/sign-in`);
	},

	async "a lost server is said in words"() {
		const context = await browser.newContext();
		const page = await context.newPage();
		await page.goto(`${desk.url}/sign-in`);
		await page.getByLabel("API token").fill("kiosk-token");
		await page.getByRole("button", { name: "Sign in" }).click();
		await page.getByText("live", { exact: true }).waitFor();
		server.stdin.end(); // the server stops
		await gone;
		await page.getByText("LOST CONNECTION").waitFor();
		assert.match(await page.getByRole("alert").textContent(), /figures are old/);
		await shoot(page, "lost");
		await context.close();
	},
};

let signed;
let board;
let failed = 0;
for (const [name, step] of Object.entries(steps)) {
	complaints.length = 0;
	const began = performance.now();
	try {
		await step();
		const left = complaints.filter((c) => !c.includes("401"));
		assert.deepEqual(left, [], "the page complained");
		console.log(`ok   ${name} (${Math.round(performance.now() - began)} ms)`);
	} catch (e) {
		failed++;
		console.error(`FAIL ${name}\n${e.stack}`);
	}
}
await browser.close();
server.stdin.end(); // again, when the last step did not come so far
await gone;
rmSync(scratch, { recursive: true });
console.log(failed === 0 ? "all ok" : `${failed} of ${Object.keys(steps).length} do not hold`);
process.exitCode = failed === 0 ? 0 : 1;
