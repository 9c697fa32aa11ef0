import { describe, expect, test } from "vitest";
import { cacheFrom, cacheTo } from "./cache-flags.ts";

/* What --cache-from and --cache-to refuse before anything is built. */

const place = { cwd: "/work", env: {} };
const BUCKET = "type=s3,bucket=caches,region=eu-west-1";

describe("a cache in a bucket", () => {
  test("has each name of a list, and must have one", () => {
    expect(cacheTo(`${BUCKET},name=main;;feature`, place)).toMatchObject({ names: ["main", "feature"] });
    expect(cacheFrom(BUCKET, place)).toMatchObject({ names: ["laminate"] });
    for (const read of [cacheFrom, cacheTo]) expect(() => read(`${BUCKET},name=;`, place)).toThrow(/name holds no name/);
  });
});

describe("a mistake does not tell", () => {
  test.each([
    `${BUCKET},access_key_id=a,secret_access_key=hunter2,nonsense=1`,
    `${BUCKET},Secret_Access_Key=hunter2,nonsense=1`,
    `${BUCKET}, secret_access_key =hunter2,nonsense=1`,
    `${BUCKET},"session_token=one,hunter2",nonsense=1`,
    `type=gha,token=hunter2,nonsense=1`,
    `token=hunter2,type=gha,nonsense=1`,
  ])("the secret in %s", (text) => {
    let said = "";
    try {
      cacheFrom(text, place);
    } catch (error) {
      said = String(error);
    }
    expect(said).toContain("nonsense is not supported");
    expect(said).not.toContain("hunter2");
  });
});
