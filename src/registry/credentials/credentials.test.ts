import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Secret } from "../secret.ts";
import { eraseCredential, findCredential, saveCredential } from "./credentials.ts";

let directory: string;
let env: NodeJS.ProcessEnv;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "laminate-credentials-"));
  env = { PATH: `${directory}:${process.env["PATH"]}`, DOCKER_CONFIG: path.join(directory, "docker") };
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const file = () => path.join(directory, "docker/config.json");
const read = () => JSON.parse(readFileSync(file(), "utf8")) as Record<string, unknown>;

function config(members: object): void {
  mkdirSync(path.dirname(file()), { recursive: true });
  writeFileSync(file(), JSON.stringify(members));
}

/** A helper that keeps each server's entry in a file, as docker's protocol has it, and notes how it was called. */
function helper(name: string, script = `case $1 in
  store) cat > "$0.entry" ;;
  get) server=$(cat); test -e "$0.entry" && grep -q "\\"ServerURL\\":\\"$server\\"" "$0.entry" && cat "$0.entry" || { echo "credentials not found in native keychain"; exit 1; } ;;
  erase) cat > /dev/null; rm -f "$0.entry" ;;
esac`): string {
  const place = path.join(directory, `docker-credential-${name}`);
  writeFileSync(place, `#!/bin/sh\necho "$@" >> "$0.calls"\n${script}\n`);
  chmodSync(place, 0o755);
  return place;
}

const ME = { kind: "password", username: "me", password: new Secret("a secret") } as const;
const revealed = async (registry: string) => {
  const found = await findCredential(env, registry);
  return found?.kind === "password" ? [found.username, found.password.reveal()] : found?.kind === "identity" ? [found.username, found.token.reveal()] : found?.token.reveal();
};

describe("docker's config", () => {
  test("keeps what it does not know, is its owner's alone, and stays a symbolic link", async () => {
    config({ psFormat: "x", auths: { "other.test": { auth: "bzpw" } } });
    const place = path.join(directory, "elsewhere.json");
    writeFileSync(place, readFileSync(file()));
    rmSync(file());
    symlinkSync(place, file());
    expect(await saveCredential(env, "registry.test", ME)).toEqual({ file: file() });
    expect(read()).toEqual({ psFormat: "x", auths: { "other.test": { auth: "bzpw" }, "registry.test": { auth: Buffer.from("me:a secret").toString("base64") } } });
    expect([statSync(place).mode & 0o777, existsSync(place)]).toEqual([0o600, true]);
    expect(await revealed("registry.test")).toEqual(["me", "a secret"]);
    expect(await eraseCredential(env, "registry.test")).toBe(true);
    expect(await eraseCredential(env, "registry.test")).toBe(false);
    expect(read()).toEqual({ psFormat: "x", auths: { "other.test": { auth: "bzpw" } } });
  });

  test.each([
    ["https://registry.test/v2/", "registry.test"],
    ["http://registry.test:5000", "registry.test:5000"],
    ["https://index.docker.io/v1/", "docker.io"],
  ])("of older tools names %s, which is %s", async (key, registry) => {
    config({ auths: { [key]: { auth: Buffer.from("me:x:y\0\0").toString("base64") } } });
    expect(await revealed(registry)).toEqual(["me", "x:y"]);
    expect(await revealed("unknown.test")).toBeUndefined();
  });

  test.each(["{ a secret", "[]", '{"auths":[]}', '{"auths":{"a":"b"}}', '{"credsStore":1}'])("that is none is an error, is not quoted, and is not overwritten: %s", async (text) => {
    mkdirSync(path.dirname(file()));
    writeFileSync(file(), text);
    const failure: unknown = await saveCredential(env, "registry.test", ME).catch((error: unknown) => error);
    expect(String(failure)).toMatch(/read .*config\.json: it is not a docker config in JSON/);
    expect(inspect(failure, { depth: 10 })).not.toContain("a secret");
    expect(readFileSync(file(), "utf8")).toBe(text);
  });
});

describe("a credential helper", () => {
  test("named in credsStore keeps passwords, which it gets on standard input and never as an argument", async () => {
    const place = helper("test");
    config({ credsStore: "test" });
    expect(await saveCredential(env, "registry.test", ME)).toEqual({ helper: "test" });
    expect(read()).toEqual({ credsStore: "test", auths: { "registry.test": {} } });
    expect(await revealed("registry.test")).toEqual(["me", "a secret"]);
    expect(await revealed("other.test")).toBeUndefined();
    expect(await eraseCredential(env, "registry.test")).toBe(true);
    expect(await eraseCredential(env, "registry.test")).toBe(false);
    expect(readFileSync(`${place}.calls`, "utf8").split("\n")).toEqual(["store", "get", "get", "get", "erase", "get", ""]);
  });

  test("named in credHelpers is for its registry, before the one in credsStore", async () => {
    helper("own");
    helper("all");
    config({ credsStore: "all", credHelpers: { "own.test": "own", "https://index.docker.io/v1/": "own" } });
    expect(await saveCredential(env, "own.test", ME)).toEqual({ helper: "own" });
    expect(await saveCredential(env, "other.test", { ...ME, username: "you" })).toEqual({ helper: "all" });
    expect([await revealed("own.test"), await revealed("other.test")]).toEqual([["me", "a secret"], ["you", "a secret"]]);
    expect(await saveCredential(env, "docker.io", ME)).toEqual({ helper: "own" });
  });

  test("keeps an identity token as docker has it do, under the user <token>", async () => {
    const place = helper("test");
    config({ credsStore: "test" });
    await saveCredential(env, "registry.test", { kind: "identity", username: "me", token: new Secret("a token") });
    expect(JSON.parse(readFileSync(`${place}.entry`, "utf8"))).toEqual({ ServerURL: "registry.test", Username: "<token>", Secret: "a token" });
    expect(await findCredential(env, "registry.test")).toMatchObject({ kind: "identity" });
    expect(await revealed("registry.test")).toEqual(["<token>", "a token"]);
  });

  test("that has nothing leaves the file's own entry to count", async () => {
    helper("test");
    config({ credsStore: "test", auths: { "registry.test": { auth: Buffer.from("me:old").toString("base64") } } });
    expect(await revealed("registry.test")).toEqual(["me", "old"]);
  });

  test.each([
    ["is not installed", undefined, /start docker-credential-test, which docker's config names: it is not installed/],
    ["fails", 'cat > /dev/null; echo "the keychain is locked"; exit 1', /ask docker-credential-test to \w+ credentials: the keychain is locked|to store credentials: it failed/],
    ["fails and repeats what it was told", "cat; exit 1", /ask docker-credential-test to store credentials: it failed/],
    ["answers nonsense", "echo '<a secret>'", /ask docker-credential-test: its answer is not JSON/],
  ])("that %s is an error that says so, and gives no secret away", async (what, script, message) => {
    if (script !== undefined) helper("test", script);
    config({ credsStore: "test" });
    const asked = what.startsWith("answers") ? findCredential(env, "registry.test") : saveCredential(env, "registry.test", ME);
    const failure: unknown = await asked.then(() => undefined, (error: unknown) => error);
    expect(String(failure)).toMatch(message);
    expect(inspect(failure, { depth: 10 })).not.toContain("a secret");
    expect(read()).toEqual({ credsStore: "test" });
  });

  test("with a path for a name is not started", async () => {
    config({ credsStore: "../../bin/sh" });
    await expect(findCredential(env, "registry.test")).rejects.toThrow(/"..\/..\/bin\/sh" in docker's config is not a helper's name/);
  });
});

test("a secret is shown by nothing but reveal", () => {
  const secret = new Secret("hush");
  expect([String(secret), JSON.stringify({ secret }), inspect({ secret }, { showHidden: true, depth: 9 }), `${Object.values(secret).join()}`].join()).not.toContain("hush");
});
