/**
 * What is published is one file for each entry of the package and the pieces that they share: a process that opens an
 * engine then loads a dozen files and not two hundred. Types come from `tsc`.
 */
import { defineConfig } from "rolldown"
import manifest from "./package.json" with { type: "json" }

const entries = [
  ...Object.values(manifest.exports).flatMap((entry) =>
    typeof entry === "string" ? [] : [entry["openintent-source"]]
  ),
  ...Object.values(manifest.bin).map((path) => path.replace("dist/", "./src/").replace(/\.js$/, ".ts"))
]

export default defineConfig({
  input: Object.fromEntries(entries.map((path) => [path.replace("./src/", "").replace(/\.ts$/, ""), path])),
  platform: "node",
  external: [/^effect(\/|$)/, /^@effect\//],
  output: { dir: "dist", chunkFileNames: "shared/[name]-[hash].js", sourcemap: true }
})
