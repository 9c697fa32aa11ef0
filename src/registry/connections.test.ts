import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { makeCertificate } from "../testing/certificate.ts";
import { forwardProxy, type ForwardProxy } from "../testing/forward-proxy.ts";
import { ImageRig } from "../testing/images.ts";
import { startRegistry, type TestRegistry } from "../testing/registry.ts";

/* A name that is not this machine's is reached through a proxy, which resolves it: no test needs /etc/hosts. */
const HOST = "registry.test";
const authority = makeCertificate("Authority of a test");

describe.skipIf(!existsSync("/usr/bin/docker-registry"))("the way to a registry", () => {
  let secure: TestRegistry;
  let plain: TestRegistry;
  let proxy: ForwardProxy;
  let rig: ImageRig;

  beforeAll(async () => {
    [secure, plain] = await Promise.all([startRegistry({ tls: makeCertificate(HOST, { issuer: authority, hosts: [HOST] }) }), startRegistry()]);
  });
  afterAll(async () => {
    for (const each of [secure, plain]) await each[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    proxy = await forwardProxy();
    rig = newRig({ HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url });
  });
  afterEach(async () => {
    for (const each of [rig, proxy]) await each[Symbol.asyncDispose]();
  });

  function newRig(env: NodeJS.ProcessEnv): ImageRig {
    const none = Object.fromEntries(["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "ALL_PROXY", "all_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"].map((name) => [name, undefined]));
    return new ImageRig({ ...none, ...env });
  }

  /** Puts the authority where docker looks for that of a registry, below `directory`. */
  function trust(directory: string): void {
    const place = path.join(directory, `${HOST}:${secure.port}`);
    mkdirSync(place, { recursive: true });
    writeFileSync(path.join(place, "ca.crt"), authority.certificatePem);
  }

  const name = (registry: TestRegistry) => `${HOST}:${registry.port}/me/image:1`;
  const push = async (registry: TestRegistry, ...flags: readonly string[]) => {
    await rig.image(name(registry));
    return await rig.run(["push", ...flags, name(registry)]);
  };

  test("a certificate that nobody vouches for is refused, with the file that would", async () => {
    const { code, err } = await push(secure);
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining(`/etc/docker/certs.d/${HOST}:${secure.port}/ca.crt`) });
    expect(err).toContain("its certificate is not trusted");
  });

  test("an authority counts in docker's directories and in SSL_CERT_FILE", async () => {
    trust(path.join(rig.directory, "certs"));
    trust(path.join(rig.directory, "home/.config/docker/certs.d"));
    writeFileSync(path.join(rig.directory, "bundle.pem"), authority.certificatePem);
    const ways: NodeJS.ProcessEnv[] = [{ LAMINATE_CERTS_DIR: path.join(rig.directory, "certs") }, { HOME: path.join(rig.directory, "home") }, { SSL_CERT_FILE: path.join(rig.directory, "bundle.pem") }];
    await rig.image(name(secure));
    for (const way of ways) {
      Object.assign(rig.env, { LAMINATE_CERTS_DIR: "", SSL_CERT_FILE: "" }, way);
      expect({ way, ...(await rig.run(["push", name(secure)])) }).toMatchObject({ way, code: 0, err: "" });
    }
  });

  test("--insecure and LAMINATE_INSECURE_REGISTRIES take any certificate, for that registry only", async () => {
    expect(await push(secure, "--insecure")).toMatchObject({ code: 0 });
    rig.env["LAMINATE_INSECURE_REGISTRIES"] = `other.test ${HOST}:${secure.port}`;
    expect(await rig.run(["push", name(secure)])).toMatchObject({ code: 0 });
    rig.env["LAMINATE_INSECURE_REGISTRIES"] = "other.test";
    expect(await rig.run(["push", name(secure)])).toMatchObject({ code: 1 });
  });

  test("plain HTTP is for loopback, or for who says --insecure", async () => {
    const { code, err } = await push(plain);
    expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(/server gave HTTP response to HTTPS client[^]*--insecure/) });
    expect(proxy.log.filter((line) => !line.startsWith("CONNECT"))).toEqual([]);
    expect(await rig.run(["push", "--insecure", name(plain)])).toMatchObject({ code: 0 });
    expect(proxy.log).toContain(`PUT http://${HOST}:${plain.port}/v2/me/image/manifests/1`);
    for (const loopback of ["localhost", "127.0.0.1"]) {
      const local = `${loopback}:${plain.port}/me/image:1`;
      await rig.ok(["tag", name(plain), local]);
      await rig.ok(["push", local]);
    }
    expect(proxy.log.filter((line) => /localhost|127\.0\.0\.1:/.test(line))).toEqual([]);
  });

  test("TLS goes through the proxy's CONNECT, with the proxy's user; NO_PROXY goes round it", async () => {
    rig.env["HTTPS_PROXY"] = proxy.url.replace("//", "//someone:a%20secret@");
    expect(await push(secure, "--insecure")).toMatchObject({ code: 0 });
    expect(new Set(proxy.log)).toEqual(new Set([`CONNECT ${HOST}:${secure.port} by someone`]));
    proxy.log.length = 0;
    rig.env["NO_PROXY"] = "other.test,.test";
    expect(await rig.run(["pull", name(secure)])).toMatchObject({ code: 1, err: expect.stringMatching(/no such host|cannot be resolved/) });
    expect(proxy.log).toEqual([]);
  });

  test("a proxy that is not there or refuses is named, without its password", async () => {
    await using refusing = await forwardProxy({ refuse: 407 });
    for (const [host, message] of [["127.0.0.1:1", /^connection refused/], [`127.0.0.1:${refusing.port}`, /^the proxy refused with 407/], ["proxy.invalid:80", /^no such host|^the name cannot be resolved/]] as const) {
      rig.env["HTTPS_PROXY"] = `http://someone:hidden@${host}`;
      const { code, err } = await rig.run(["--debug", "pull", name(secure)]);
      const [, why] = err.split(`connect to registry "${HOST}:${secure.port}" through the proxy "${host.replace(":80", "")}": `);
      expect({ code, why }).toEqual({ code: 1, why: expect.stringMatching(message) });
      expect(err).not.toContain("hidden");
    }
  });
});
