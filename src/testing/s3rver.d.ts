/** As much of s3rver as tests use; it has no types of its own. */
declare module "@20minutes/s3rver" {
  import type { Server } from "node:http";

  export default class S3rver {
    constructor(options: { readonly address: string; readonly port: number; readonly silent: boolean; readonly directory: string; readonly configureBuckets: readonly { readonly name: string }[] });
    readonly httpServer: Server;
    run(): Promise<{ readonly port: number }>;
    close(): Promise<void>;
  }
}
