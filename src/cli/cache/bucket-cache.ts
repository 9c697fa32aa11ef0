import { Secret } from "../../registry/secret.ts";
import type { BucketCache } from "../../transfer/s3/bucket-keys.ts";
import type { BucketUpload } from "../../transfer/s3/s3-cache.ts";
import type { WrittenCache } from "./written-cache.ts";

/** As BuildKit sends to S3. */
const UPLOADS_AT_ONCE = 4;
const TOUCH_AFTER_MS = 24 * 3_600_000;

/** Reads where a cache of `type=s3` is; what is not written comes from the variables of Amazon's own tools. */
export function bucketCache(written: WrittenCache<string>): BucketCache {
  const endpoint = written.url("endpoint_url", written.getOr("endpoint_url", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"));
  return {
    bucket: written.required("bucket", "caches", written.getOr("bucket", "AWS_BUCKET")),
    region: written.required("region", "eu-west-1", written.getOr("region", "AWS_REGION", "AWS_DEFAULT_REGION")),
    ...(endpoint === undefined ? {} : { endpoint }),
    pathStyle: written.isOn("use_path_style"),
    ...credentials(written),
    prefix: written.get("prefix") ?? "",
    blobsPrefix: written.get("blobs_prefix") ?? "blobs/",
    manifestsPrefix: written.get("manifests_prefix") ?? "manifests/",
    names: namesOf(written),
  };
}

function namesOf(written: WrittenCache<string>): readonly string[] {
  const names = (written.get("name") ?? "laminate").split(";").filter((name) => name !== "");
  if (names.length === 0) throw written.bad("name holds no name", "as in name=main or name=main;feature");
  return names;
}

export function bucketUpload(written: WrittenCache<string>): BucketUpload {
  return { atOnce: written.count("upload_parallelism", UPLOADS_AT_ONCE), touchAfter: written.duration("touch_refresh", TOUCH_AFTER_MS) };
}

/** All of one place, so that no key of the flag meets a secret of the environment. */
function credentials(written: WrittenCache<string>): Pick<BucketCache, "credentials"> {
  const { env } = written;
  const given = written.get("access_key_id") ?? written.get("secret_access_key");
  const [accessKey, secretKey, sessionToken] = given === undefined ? [env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env["AWS_SESSION_TOKEN"]] : [written.get("access_key_id"), written.get("secret_access_key"), written.get("session_token")];
  if (!accessKey && !secretKey) return {};
  if (!accessKey || !secretKey) throw written.bad("of access_key_id and secret_access_key one is missing", "give both, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment");
  return { credentials: { accessKey, secretKey: new Secret(secretKey), ...(sessionToken ? { sessionToken: new Secret(sessionToken) } : {}) } };
}
