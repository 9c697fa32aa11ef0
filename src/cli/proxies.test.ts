import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { configuredProxies } from "./proxies.ts";

function environment(config?: object): NodeJS.ProcessEnv {
  const directory = mkdtempSync(join(tmpdir(), "laminate-proxies-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  if (config !== undefined) writeFileSync(join(directory, "config.json"), JSON.stringify(config));
  return { DOCKER_CONFIG: directory, HTTP_PROXY: "http://ours" };
}

test("proxies of docker's config are used, but for those that are given", async () => {
  const env = environment({ proxies: { default: { httpProxy: "http://a", httpsProxy: "http://b", noProxy: "", ftpProxy: 7 } } });
  expect(await configuredProxies(env, [])).toEqual({ HTTP_PROXY: "http://a", HTTPS_PROXY: "http://b" });
  expect(await configuredProxies(env, ["http_proxy"])).toEqual({ HTTPS_PROXY: "http://b" });
});

test("without a config there are none, our own environment's do not count", async () => {
  expect(await configuredProxies(environment(), [])).toEqual({});
  expect(await configuredProxies(environment({ proxies: [] }), [])).toEqual({});
});
