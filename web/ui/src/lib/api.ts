import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

export type Call = components["schemas"]["Call"];
export type TicketStory = components["schemas"]["TicketStory"];
export type Classification = components["schemas"]["Classification"];
export type Clock = components["schemas"]["Clock"];
export type TicketTerms = components["schemas"]["TicketTerms"];
export type Reason = components["schemas"]["Reason"];
export type Waited = components["schemas"]["Waited"];
export type OnCall = components["schemas"]["OnCallOutBody"];
export type Recording = components["schemas"]["Recording"];

export const api = createClient<paths>({ baseUrl: "/" });

export const signIn = () => location.assign("/sign-in");

/** What to tell a person about an answer that was not what was asked for. */
export function told(
	error: { detail?: string; title?: string } | undefined,
	response: Response | undefined,
): string {
	if (response?.status === 401) signIn();
	return error?.detail ?? error?.title ?? "The server did not answer.";
}

export type Role = components["schemas"]["Who"]["role"];
const ranks: Role[] = ["kiosk", "agent", "supervisor", "admin"];

/** Whether somebody in a role may use what needs the least one; nobody is known to be anything until the server said so. */
export const may = (role: Role | null, least: Role) =>
	role !== null && ranks.indexOf(role) >= ranks.indexOf(least);

/** Who is signed in; null when the server does not say. */
export async function whoAmI(): Promise<Role | null> {
	const answer = await api.GET("/api/v1/me").catch(() => undefined);
	if (answer?.response.status === 401) signIn();
	return answer?.data?.role ?? null;
}
