"use client";
/** A room, for whoever is signed in. */
import { createClient } from "parley/client";
import { ParleyProvider, useConnection, useMessages, useRoom } from "parley/react";
import { getToken } from "./getToken.ts";

const client = createClient({ url: process.env.NEXT_PUBLIC_PARLEY_URL ?? "", getToken });

export default function Page() {
  return (
    <ParleyProvider client={client}>
      <Room />
    </ParleyProvider>
  );
}

function Room() {
  const { messages, publish } = useMessages(useRoom("next-server"));
  const { state, error, connect } = useConnection();
  if (error?.code === "token_missing") return <SignIn onDone={connect} />;
  return (
    <main>
      <p role="status">{state}</p>
      <ol>
        {messages.map(({ key, sender, text }) => (
          <li key={key}>
            {sender?.id}: {text}
          </li>
        ))}
      </ol>
      <form action={(form) => void publish({ text: field(form, "text") })}>
        <input name="text" aria-label="Message" required />
        <button>Send</button>
      </form>
    </main>
  );
}

/** Where your own sign-in is. */
function SignIn({ onDone }: { readonly onDone: () => void }) {
  async function signIn(form: FormData): Promise<void> {
    const body = JSON.stringify({ user: field(form, "user") });
    const { ok } = await fetch("/api/session", { method: "POST", body });
    if (ok) onDone();
  }
  return (
    <form action={signIn}>
      <input name="user" aria-label="Your name" pattern="[a-z0-9]+" required />
      <button>Sign in</button>
    </form>
  );
}

function field(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value : "";
}
