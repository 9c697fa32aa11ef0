import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { ImageRig } from "../testing/images.ts";
import { registryProxy } from "../testing/registry-proxy.ts";
import { startRegistry, type TestRegistry } from "../testing/registry.ts";
import { startTokenServer, type TokenServer, type TokenServerOptions } from "../testing/token-server.ts";

/** How long docker-registry takes a token that has ended: its clock may differ. */
const LEEWAY = 60;

describe.skipIf(!existsSync("/usr/bin/docker-registry"))("a registry that wants tokens", () => {
  let rig: ImageRig;
  const used: AsyncDisposable[] = [];

  beforeEach(() => void (rig = new ImageRig()));
  afterEach(async () => {
    for (const each of [rig, ...used.splice(0).reverse()]) await each[Symbol.asyncDispose]();
  });

  async function start(options: Partial<TokenServerOptions> = {}): Promise<{ tokens: TokenServer; registry: TestRegistry; host: string }> {
    const tokens = await startTokenServer({ users: { me: "a secret", you: "other" }, ...options });
    const registry = await startRegistry({ tokens });
    used.push(tokens, registry);
    return { tokens, registry, host: `localhost:${registry.port}` };
  }

  const login = (host: string, user = "me", password = "a secret") => rig.run(["login", "-u", user, "--password-stdin", host], [Buffer.from(password)]);
  const kept = () => JSON.parse(readFileSync(path.join(rig.directory, "docker/config.json"), "utf8")) as { auths: Record<string, { auth: string; identitytoken?: string }> };

  test("gives a token for a login; a push asks for push, a mount for both repositories, a pull for pull only", async () => {
    const { tokens, host } = await start();
    expect(await login(host)).toMatchObject({ code: 0, out: "Login Succeeded\n" });
    await rig.image("image:1", { "etc/motd": "x".repeat(5000) });
    await rig.ok(["tag", "image:1", `${host}/me/one:1`]);
    await rig.ok(["push", `${host}/me/one:1`]);
    await rig.ok(["tag", "image:1", `${host}/me/two:1`]);
    await rig.ok(["push", `${host}/me/two:1`]);
    const pushed = tokens.asked.map(({ scopes }) => scopes.join(" "));
    expect(new Set(pushed)).toEqual(new Set(["", "repository:me/one:pull,push", "repository:me/two:pull,push", "repository:me/two:pull,push repository:me/one:pull"]));
    tokens.asked.length = 0;
    await using other = new ImageRig({ DOCKER_CONFIG: path.join(rig.directory, "docker") });
    await other.ok(["pull", `${host}/me/two:1`]);
    expect(tokens.asked).toEqual([{ method: "GET", user: "me", scopes: ["repository:me/two:pull"], grant: undefined, offline: false }]);
  });

  test("is pulled from without a name where it lets anyone, and says what to do where it does not", async () => {
    const { host } = await start({ isPublic: (name) => name === "me/public" });
    await login(host);
    for (const name of ["public", "private"]) {
      await rig.image(`${host}/me/${name}:1`);
      await rig.ok(["push", `${host}/me/${name}:1`]);
    }
    await using anyone = new ImageRig();
    expect(await anyone.run(["pull", `${host}/me/public:1`])).toMatchObject({ code: 0 });
    expect(await anyone.run(["pull", `${host}/me/private:1`])).toMatchObject({ code: 1, err: expect.stringContaining(`laminate login ${host}`) });
    await anyone.ok(["tag", `${host}/me/public:1`, `${host}/me/mine:1`]);
    expect(await anyone.run(["push", `${host}/me/mine:1`])).toMatchObject({ code: 1, err: expect.stringContaining(`laminate login ${host}`) });
  });

  test("refuses a wrong password, which is kept nowhere; and what a user may not do", async () => {
    const { host } = await start();
    expect(await login(host, "me", "a guess")).toMatchObject({ code: 1, err: expect.stringContaining("incorrect username or password") });
    expect(existsSync(path.join(rig.directory, "docker/config.json"))).toBe(false);
    await login(host, "you", "other");
    await rig.image(`${host}/me/image:1`);
    expect(await rig.run(["push", `${host}/me/image:1`])).toMatchObject({ code: 1, err: expect.stringContaining(`laminate login ${host}`) });
  });

  test("whose tokens end in the middle of a push gives new ones, and no blob is sent twice", async () => {
    let held = 0;
    // Seconds: what a busy machine may take from a token to the request with it.
    const { tokens, registry } = await start({ lifetime: () => (held === 0 ? 6 - LEEWAY : 300), saidLifetime: 300 });
    await using proxy = await registryProxy(registry.port, ({ method, url }) => (method === "PUT" && url!.includes("/manifests/") && (held += 1) === 1 ? { delay: 7500 } : undefined));
    const name = `localhost:${proxy.port}/me/image:1`;
    await login(`localhost:${proxy.port}`);
    await rig.image(name);
    await rig.ok(["push", name]);
    const puts = proxy.log.filter(({ path }) => path.includes("/manifests/")).map(({ method, status }) => `${method} ${status}`);
    expect([puts[0], puts.at(-1)]).toEqual(["PUT 401", "PUT 201"]);
    expect(tokens.asked.filter(({ scopes }) => scopes.includes("repository:me/image:pull,push")).length).toBeGreaterThan(1);
    expect(proxy.log.filter(({ method, path, status }) => method === "PUT" && path.includes("/uploads/") && status === 201)).toHaveLength(2);
  });

  test("whose tokens it does not know itself is asked a few times and no more", async () => {
    const { tokens, host } = await start({ forged: true });
    const { code, err } = await login(host);
    expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(/unauthorized|authentication required/) });
    expect(tokens.asked.length).toBeLessThanOrEqual(3);
  });

  test("that gives an identity token has it kept instead of the password, and exchanged from then on", async () => {
    const { tokens, host } = await start({ identity: true });
    await login(host);
    expect(tokens.asked.at(-1)).toMatchObject({ user: "me", offline: true });
    const entry = kept().auths[host]!;
    expect({ identity: typeof entry.identitytoken, auth: Buffer.from(entry.auth, "base64").toString() }).toEqual({ identity: "string", auth: "me:" });
    await rig.image(`${host}/me/image:1`);
    await rig.ok(["push", `${host}/me/image:1`]);
    expect(tokens.asked.at(-1)).toMatchObject({ method: "POST", grant: "refresh_token", scopes: ["repository:me/image:pull,push"] });
    tokens.revoke();
    expect(await rig.run(["pull", `${host}/me/image:1`])).toMatchObject({ code: 1, err: expect.stringContaining(`laminate login ${host}`) });
    await rig.ok(["logout", host]);
    expect(kept().auths[host]).toBeUndefined();
  });

  test("shows no password or token to anyone but itself: not in errors, nor with --debug", async () => {
    const { host } = await start({ forged: true });
    const runs = [await login(host), await rig.run(["--debug", "login", "-u", "me", "--password-stdin", host], [Buffer.from("a secret")])];
    await rig.image(`${host}/me/image:1`);
    runs.push(await rig.run(["--debug", "push", `${host}/me/image:1`]));
    for (const { code, out, err } of runs) {
      expect(code).toBe(1);
      for (const secret of ["a secret", Buffer.from("me:a secret").toString("base64"), "eyJ"]) expect(out + err).not.toContain(secret);
    }
  });
});

describe("a token server that is not there or not one", () => {
  const server = createServer((_, response) => void response.writeHead(401, { "www-authenticate": `Bearer realm="${realm}",service="s"` }).end());
  let realm = "";
  afterAll(() => void server.close());

  test.each([
    ["ftp://127.0.0.1/token", /names the token server "ftp:\/\/127.0.0.1\/token", wanted an https URL/],
    ["nonsense", /names the token server "nonsense"/],
    ["http://127.0.0.1:1/token", /connection refused/],
  ])("%s is an error that says so", async (named, message) => {
    if (!server.listening) await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    realm = named;
    await using rig = new ImageRig();
    const { port } = server.address() as AddressInfo;
    expect(await rig.run(["pull", `localhost:${port}/me/image:1`])).toMatchObject({ code: 1, err: expect.stringMatching(message) });
  });
});
