import { answerRequests } from "../../../base/thread.ts";
import { packFile, type PackAsk, type Packed } from "./pack-file.ts";

answerRequests<PackAsk, Packed>(packFile);
