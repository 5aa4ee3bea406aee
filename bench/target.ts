/** How a generator reaches a server. It crosses a process boundary and is parsed there. */
import * as z from "zod";

export const Target = z.object({
  dialect: z.enum(["ws", "memory", "partyserver", "socketio", "parley", "centrifuge", "centrifugo"]),
  /** `http://127.0.0.1:<port>` */
  base: z.string(),
  /** One per user; sockets share them in groups. Empty where nobody signs in. */
  tokens: z.array(z.string()),
  pageHeaders: z.record(z.string(), z.string()),
});
export type Target = z.infer<typeof Target>;
