// CSV as RFC 4180 has it, for spreadsheets that take some texts for formulas.

export type Cell = string | number | null | undefined;

/** What a spreadsheet runs instead of showing: also behind spaces, and in full width. */
const runs = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/;

function field(c: Cell): string {
	if (c === null || c === undefined) return "";
	if (typeof c === "number") return Number.isFinite(c) ? String(c) : "";
	const text = runs.test(c) ? `'${c}` : c;
	return /[",;'\r\n\t]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Rows as a CSV file. What there is none of is empty, never 0; a text that would be a formula begins with an apostrophe. */
export const csv = (rows: Cell[][]): string => rows.map((r) => `${r.map(field).join(",")}\r\n`).join("");

/** Hands a text to the browser as a file; the mark in front tells spreadsheets that it is UTF-8. */
export function download(name: string, text: string): void {
	const link = document.createElement("a");
	link.href = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv;charset=utf-8" }));
	link.download = name;
	link.click(); // it is in no document, so the pages' own way does not see it
	setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
