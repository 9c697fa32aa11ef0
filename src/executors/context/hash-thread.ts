import { answerRequests } from "../../base/thread.ts";
import { hashFiles } from "./hash-files.ts";

answerRequests(hashFiles);
