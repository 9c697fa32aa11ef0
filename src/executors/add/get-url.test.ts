import { expect, test } from "vitest";
import { forwardProxy } from "../../testing/forward-proxy.ts";
import { served } from "../../testing/served.ts";
import { getUrl } from "./get-url.ts";

const { signal } = new AbortController();
const textOf = async (url: string, env: NodeJS.ProcessEnv = {}): Promise<string> => {
  let text = "";
  for await (const chunk of await getUrl(url, { headers: {}, signal, env })) text += String(chunk);
  return text;
};

test("a URL goes through the proxy that the environment names, but not to loopback", async () => {
  await using server = await served((request, response) => response.end(`here is ${request.url}`));
  await using proxy = await forwardProxy();
  const env = { http_proxy: proxy.url };
  expect(await textOf(`http://files.test:${server.port}/x`, env)).toBe("here is /x");
  expect(await textOf(`${server.url}/y`, env)).toBe("here is /y");
  expect(proxy.log).toEqual([`GET http://files.test:${server.port}/x`]);
});

test("redirects are followed, not for ever and not to other protocols", async () => {
  const places: Readonly<Record<string, string>> = { "/a": "b", "/loop": "/loop", "/out": "file:///etc/passwd" };
  await using server = await served((request, response) => {
    const location = places[request.url!];
    if (location === undefined) response.end("arrived");
    else response.writeHead(302, { location }).end();
  });
  expect(await textOf(`${server.url}/a`)).toBe("arrived");
  await expect(textOf(`${server.url}/loop`)).rejects.toThrow("more than 10 redirects");
  await expect(textOf(`${server.url}/out`)).rejects.toThrow("neither http nor https");
});
