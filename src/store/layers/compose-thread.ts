import { answerRequests } from "../../base/thread.ts";
import { ComposeWork, type ComposeAnswer, type ComposeAsk } from "./compose-steps.ts";

const work = new ComposeWork();
answerRequests<ComposeAsk, ComposeAnswer>((ask) => work.answer(ask));
