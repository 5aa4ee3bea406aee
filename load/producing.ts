/** A producer in a process of its own, which never finishes: `node load/producing.ts '<options as JSON>'`. Prints the message's id. */
import { TextProducer, type TextProducerOptions } from "../test/support/textProducer.ts";
import { answerOf, inPace } from "./answer.ts";

const options: TextProducerOptions & { readonly tokens: number; readonly perSecond: number } = JSON.parse(
  process.argv[2] ?? "",
);
const { tokens, perSecond } = options;
const producer = new TextProducer(options);
console.log(await producer.begin());
await inPace({ text: answerOf(tokens), from: 0, to: tokens, perSecond }, (soFar) => producer.bring(soFar));
