import { answerRequests } from "../base/thread.ts";
import { compressRoom, type RoomAnswer, type RoomAsk } from "./compress-room.ts";
import { Libdeflate } from "./deflate/libdeflate.ts";

const libdeflate = new Libdeflate();
answerRequests<RoomAsk, RoomAnswer>((ask) => compressRoom(ask, libdeflate));
