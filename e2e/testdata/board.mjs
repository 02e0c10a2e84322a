// The board in a real Chromium, as a supervisor has it open. It reads commands
// from the test, one a line, and answers each with one line.
//   node board.mjs REPOSITORY CHROMIUM LINK SHOTS
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [root, program, link, shots] = process.argv.slice(2);
const { chromium } = createRequire(join(root, "web/ui/package.json"))("playwright-core");
const patience = 60_000;
const browser = await chromium.launch({
	executablePath: program,
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
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
page.setDefaultTimeout(patience);
const loads = [];
const faults = [];
page.on("pageerror", (e) => faults.push(e.message));

const commands = {
	async open() {
		await page.goto(link);
		await page.getByRole("button", { name: "Sign in" }).click();
		await page.getByRole("heading", { name: "Calls now" }).waitFor();
		await page.locator("[data-age=live]").waitFor();
		page.on("framenavigated", (f) => loads.push(f.url()));
		return page.locator("tr[data-call]").count();
	},
	// The row of a call by its id, once it says the words.
	async row(id, ...words) {
		const row = page.locator(`tr[data-call="${id}"]`);
		for (const word of words) await row.getByText(word, { exact: false }).first().waitFor();
		return (await row.innerText()).replaceAll(/\s+/g, " ");
	},
	async gone(id) {
		await page.locator(`tr[data-call="${id}"]`).waitFor({ state: "detached" });
		return "";
	},
	async shoot(name) {
		await page.screenshot({ path: join(shots, `${name}.png`) });
		return "";
	},
	loads: async () => loads.concat(faults).join(" "),
};

for await (const line of createInterface({ input: process.stdin })) {
	const [name, ...args] = JSON.parse(line);
	try {
		console.log(`ok ${await commands[name](...args)}`);
	} catch (e) {
		console.log(`fault ${String(e.message).replaceAll("\n", " ")} ${faults.join(" ")}`);
	}
}
await browser.close();
