import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ImageRig } from "../testing/images.ts";
import { startRegistry, type TestRegistry } from "../testing/registry.ts";

describe.skipIf(!existsSync("/usr/bin/docker-registry"))("against Debian's registry server", () => {
  let registry: TestRegistry;
  let rig: ImageRig;
  let host: string;
  let config: string;

  beforeAll(async () => {
    config = mkdtempSync(path.join(tmpdir(), "laminate-login-"));
    registry = await startRegistry({ users: { me: "a secret" } });
    host = `localhost:${registry.port}`;
  });
  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
    rmSync(config, { recursive: true, force: true });
  });
  beforeEach(() => void (rig = new ImageRig({ DOCKER_CONFIG: config })));
  afterEach(async () => {
    await rig[Symbol.asyncDispose]();
    rmSync(path.join(config, "config.json"), { force: true });
    registry.empty();
  });

  const login = (password = "a secret") => rig.run(["login", "-u", "me", "--password-stdin", host], [Buffer.from(`${password}\n`)]);
  const skopeo = (...args: readonly string[]) => spawnSync("skopeo", args, { encoding: "utf8" });

  test("login keeps what is right, logout forgets it", async () => {
    expect(await login()).toMatchObject({ code: 0, out: "Login Succeeded\n" });
    const kept = () => JSON.parse(readFileSync(path.join(config, "config.json"), "utf8")) as { auths?: Record<string, { auth: string }> };
    expect(Buffer.from(kept().auths![host]!.auth, "base64").toString()).toBe("me:a secret");
    expect(await rig.run(["logout", host])).toMatchObject({ code: 0 });
    expect(kept().auths?.[host]).toBeUndefined();
  });

  test.each([["-p", "a secret"], ["--password=a secret"]])("a password in the argument list is refused: %s", async (...words) => {
    const { code, out, err } = await rig.run(["--debug", "login", "-u", "me", ...words, host]);
    expect({ code, out, err }).toEqual({ code: 125, out: "", err: expect.stringContaining(`laminate login --username me --password-stdin ${host}`) });
    expect(err).not.toContain("a secret");
    expect(existsSync(path.join(config, "config.json"))).toBe(false);
  });

  test("a wrong password is refused and not kept", async () => {
    expect(await login("a guess")).toMatchObject({ code: 1, err: expect.stringMatching(/unauthorized|401|incorrect/i) });
    expect(existsSync(path.join(config, "config.json"))).toBe(false);
  });

  test("without a login a push says what to do", async () => {
    await rig.image(`${host}/me/image:1`);
    expect(await rig.run(["push", `${host}/me/image:1`])).toMatchObject({ code: 1, err: expect.stringContaining(`laminate login ${host}`) });
  });

  test("a credential helper keeps the password", async () => {
    const bin = path.join(rig.directory, "bin");
    mkdirSync(bin);
    writeFileSync(path.join(bin, "docker-credential-test"), `#!/bin/sh\ncase $1 in store) cat > ${bin}/kept ;; get) cat >/dev/null; cat ${bin}/kept ;; erase) cat >/dev/null; rm -f ${bin}/kept ;; esac\n`);
    chmodSync(path.join(bin, "docker-credential-test"), 0o755);
    writeFileSync(path.join(config, "config.json"), JSON.stringify({ credsStore: "test" }));
    rig.env["PATH"] = `${bin}:${rig.env["PATH"]}`;
    expect(await login()).toMatchObject({ code: 0 });
    expect(JSON.parse(readFileSync(path.join(bin, "kept"), "utf8"))).toMatchObject({ Username: "me", Secret: "a secret" });
    expect(readFileSync(path.join(config, "config.json"), "utf8")).not.toContain(Buffer.from("me:a secret").toString("base64"));
    await rig.image(`${host}/me/image:1`);
    await rig.ok(["push", `${host}/me/image:1`]);
    await rig.ok(["logout", host]);
    expect(existsSync(path.join(bin, "kept"))).toBe(false);
  });

  test("what is pushed can be read by skopeo and pulled back; a second push uploads nothing", async () => {
    await login();
    const name = `${host}/me/image:1`;
    const id = await rig.image(name, { "etc/motd": "hello\n" }, ["CMD cat /etc/motd"]);
    await rig.ok(["push", name]);
    const seen = skopeo("inspect", "--config", "--tls-verify=false", "--creds", "me:a secret", `docker://${name}`);
    expect(JSON.parse(seen.stdout)).toMatchObject({ config: { Cmd: ["/bin/sh", "-c", "cat /etc/motd"] } });
    expect(await rig.run(["push", name])).toMatchObject({ code: 0, err: expect.not.stringContaining("Pushed") });
    await rig.ok(["rmi", name]);
    await rig.ok(["pull", name]);
    expect((await rig.ok(["images", "-q", "--no-trunc"])).trim()).toBe(id);
    expect(await rig.ok(["pull", name])).toContain("Image is up to date");
    await using other = new ImageRig({ DOCKER_CONFIG: config });
    await other.ok(["pull", name]);
    expect((await other.ok(["images", "-q", "--no-trunc"])).trim()).toBe(id);
  });

  test("build --push puts the image into the store and into the registry of each name; --metadata-file has the digest that it has there", async () => {
    await login();
    const [one, two] = [`${host}/me/built:1`, `${host}/me/again:2`];
    mkdirSync(path.join(rig.directory, "context"));
    writeFileSync(path.join(rig.directory, "context/Dockerfile"), "FROM scratch\nCOPY Dockerfile /\n");
    expect((await rig.run(["build", "--progress=plain", "--push", "-t", one, "-t", two, "--metadata-file", "md", "context"])).err).toContain(`pushing ${two}`);
    const said = JSON.parse(readFileSync(path.join(rig.directory, "md"), "utf8")) as Record<string, string>;
    const seen = [one, two].map((name) => JSON.parse(skopeo("inspect", "--tls-verify=false", "--creds", "me:a secret", `docker://${name}`).stdout) as { Digest: string });
    expect(seen.map(({ Digest }) => Digest)).toEqual([said["containerimage.digest"], said["containerimage.digest"]]);
    expect((await rig.ok(["images", "-q", "--no-trunc", one])).trim()).toBe(said["containerimage.config.digest"]);
  });

  test("-a pushes and pulls all tags of a repository, and no other", async () => {
    await login();
    const repository = `${host}/me/many`;
    const ids = [await rig.image(`${repository}:1`, { a: "1" }), await rig.image(`${repository}:2`, { a: "2" })];
    await rig.image(`${host}/me/many-more:1`, { a: "3" });
    expect((await rig.ok(["push", "-a", repository])).match(/^.*digest: /gm)).toEqual(["1: digest: ", "2: digest: "]);
    await using other = new ImageRig({ DOCKER_CONFIG: config });
    const said = await other.ok(["pull", "--all-tags", repository]);
    expect(said.match(/^.*: Pulling from .*$/gm)!.sort()).toEqual(["1: Pulling from me/many", "2: Pulling from me/many"]);
    expect(said.endsWith(`\n${repository}\n`)).toBe(true);
    expect((await other.ok(["images", "-q", "--no-trunc"])).trim().split("\n").sort()).toEqual(ids.sort());
    for (const verb of ["push", "pull"]) expect(await rig.run([verb, "-a", `${repository}:1`])).toMatchObject({ code: 1, err: expect.stringContaining("tag can't be used with --all-tags/-a") });
    expect(await rig.run(["pull", "-a", `${host}/me/nothing`])).toMatchObject({ code: 1, err: expect.stringContaining("me/nothing") });
    expect(await rig.run(["push", "-a", `${host}/me/nothing`])).toMatchObject({ code: 1, err: expect.stringContaining("me/nothing") });
  });

  test.each(["oci", "v2s2"])("an image that skopeo pushed as %s is pulled", async (format) => {
    await login();
    await rig.image("local:1", { "etc/motd": format });
    await rig.ok(["save", "-o", "local.tar", "local:1"]);
    const name = `${host}/me/skopeo:${format}`;
    const copied = skopeo("copy", "--format", format, "--dest-tls-verify=false", "--dest-creds", "me:a secret", `docker-archive:${rig.directory}/local.tar`, `docker://${name}`);
    expect(copied).toMatchObject({ status: 0 });
    await using other = new ImageRig({ DOCKER_CONFIG: config });
    await other.ok(["pull", name]);
    await other.ok(["save", "-o", "pulled.tar", name]);
    expect(skopeo("inspect", `docker-archive:${other.directory}/pulled.tar`)).toMatchObject({ status: 0 });
  });

  test("a repository that is not there, a name that is none", async () => {
    await login();
    expect(await rig.run(["pull", `${host}/me/missing:1`])).toMatchObject({ code: 1, err: expect.stringContaining("missing:1") });
    expect(await rig.run(["pull", "Bad//Name"])).toMatchObject({ code: expect.not.stringMatching(/^0$/) as unknown as number, err: expect.stringContaining("Bad//Name") });
    expect(await rig.run(["push", "nothing:1"])).toMatchObject({ code: 1, err: expect.stringContaining("nothing") });
  });
});

