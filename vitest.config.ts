import { defineConfig } from "vitest/config"

const report = process.env.TEST_REPORT

export default defineConfig({
  // `openintent` and its subpaths are the sources, not dist.
  resolve: { conditions: ["openintent-source"] },
  ssr: { resolve: { conditions: ["openintent-source"] } },
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    // Files share a process, one after the other: importing Effect anew for each costs half a second.
    isolate: false,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // `TEST_REPORT=file` writes the results there as JSON too.
    reporters: report === undefined ? ["default"] : ["default", ["json", { outputFile: report }]]
  }
})
