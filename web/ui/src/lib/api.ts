import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

export type Call = components["schemas"]["Call"];
export type TicketStory = components["schemas"]["TicketStory"];
export type Reason = components["schemas"]["Reason"];
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
