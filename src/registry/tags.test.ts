import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { served } from "../testing/served.ts";
import { Session } from "./session.ts";
import { listTags } from "./tags.ts";

/** Lists the tags of a registry that answers with pages: a body and what follows it. */
async function tagsOf(page: (request: IncomingMessage) => { readonly body: string; readonly link?: string }): Promise<readonly string[]> {
  await using server = await served((request, response) => {
    const { body, link } = page(request);
    response.writeHead(200, link === undefined ? {} : { link }).end(body);
  });
  using session = new Session(`localhost:${server.port}`, { env: {} });
  return await listTags(session, "me/app");
}

test("tags come page by page, each once", async () => {
  const tags = await tagsOf(({ url }) => (url!.includes("last=b") ? { body: '{"tags":["b","c"]}' } : { body: '{"name":"me/app","tags":["a","b"]}', link: '</v2/me/app/tags/list?last=b&n=2>; rel="next"' }));
  expect(tags).toEqual(["a", "b", "c"]);
});

test("a repository without tags has none", async () => {
  expect(await tagsOf(() => ({ body: '{"name":"me/app","tags":null}' }))).toEqual([]);
});

test.each(["<html>", '{"tags":"a"}', '{"tags":["../x"]}', '{"tags":[1]}'])("what is no list of tags is refused: %s", async (body) => {
  await expect(tagsOf(() => ({ body }))).rejects.toThrow(/list the tags of "localhost:\d+\/me\/app": the registry's answer is/);
});

test("pages without end are left", async () => {
  await expect(tagsOf(() => ({ body: "{}", link: '</v2/me/app/tags/list>; rel="next"' }))).rejects.toThrow(/more than 1000 pages/);
});
