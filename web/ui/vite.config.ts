import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

export default defineConfig({
	plugins: [svelte()],
	build: {
		assetsInlineLimit: 0, // the server's policy allows no data: addresses
		modulePreload: { polyfill: false },
	},
	server: { proxy: { "/api": "http://127.0.0.1:8080", "/sign-in": "http://127.0.0.1:8080" } },
	resolve: process.env.VITEST ? { conditions: ["browser"] } : {},
	test: { environment: "happy-dom", include: ["src/**/*.test.ts"] },
});
