import { answerRequests } from "../../base/thread.ts";
import { unpackShare, type UnpackAsk } from "./unpack.ts";

answerRequests<UnpackAsk, null>(async (ask) => {
  await unpackShare(ask);
  return null;
});
