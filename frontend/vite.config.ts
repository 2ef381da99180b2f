import { defineConfig } from "vitest/config";

export default defineConfig({
  build: {
    target: "es2022",
    sourcemap: true,
    rolldownOptions: {
      external: /^react(\/|$)/,
      output: {
        minify: { codegen: { removeWhitespace: true } }, // Not the default for libraries.
        entryFileNames: "[name].js",
      },
    },
  },
  test: {
    include: ["test/**/*.test.{ts,tsx}"],
    restoreMocks: true,
    unstubGlobals: true,
  },
});
