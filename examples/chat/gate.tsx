/** Asks for a key, and finds out whether it works before anything is connected. */
import { type FormEvent, type ReactElement, useCallback, useEffect, useRef, useState } from "react";
import { keepKey, newToken, people, Refused } from "./access.ts";

interface GateProps {
  /** From the address, or of this tab. */
  readonly first: string | null;
  readonly onKey: (key: string) => void;
  readonly onRefused: () => void;
}

export function Gate({ first, onKey, onRefused }: GateProps): ReactElement | null {
  const [tried, setTried] = useState(first ?? "");
  const [error, setError] = useState<unknown>(null);
  const [isAsking, setAsking] = useState(first !== null);
  const field = useRef<HTMLInputElement>(null);

  const enter = useCallback(
    async (key: string, signal: AbortSignal | null) => {
      const [person] = people;
      if (person === undefined) return;
      setAsking(true);
      try {
        await newToken(key, person, signal);
        keepKey(key);
        onKey(key);
      } catch (failure) {
        if (signal?.aborted === true) return;
        if (failure instanceof Refused && failure.status < 500) onRefused();
        setAsking(false);
        setError(failure);
        field.current?.focus();
      }
    },
    [onKey, onRefused],
  );
  useEffect(() => {
    if (first === null) return;
    const asking = new AbortController();
    void enter(first, asking.signal);
    return () => asking.abort();
  }, [first, enter]);

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void enter(tried.trim(), null);
  };
  // A key that works shows no form on the way.
  if (isAsking && error === null) return <p className="gate">Opening the room…</p>;
  return (
    <form className="gate" onSubmit={submit} aria-busy={isAsking}>
      <h2>Your key, please</h2>
      <p>
        <code>npm start</code> prints it: open the link after <code>demo</code>, or paste what stands after{" "}
        <code>key</code>.
      </p>
      <label htmlFor="key">API key</label>
      <div className="field">
        <input
          id="key"
          ref={field}
          value={tried}
          onChange={(event) => setTried(event.currentTarget.value)}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          required
          placeholder="parley_demo_…"
          aria-invalid={error !== null}
          aria-describedby="gate-error"
        />
        <button className="primary" type="submit">
          Open the room
        </button>
      </div>
      <p className="error" id="gate-error" role="alert">
        {error !== null && explain(error)}
      </p>
      <p className="fine">
        It stays in this tab and goes nowhere but to this server, to make the tokens of Ada and Bo.
      </p>
    </form>
  );
}

function explain(error: unknown): string {
  if (!(error instanceof Refused)) return "The server cannot be reached. Does it still run?";
  const { message, status, code, requestId } = error;
  const facts = [status, code, requestId === null ? null : `request ${requestId}`];
  return `${message} (${facts.filter((fact) => fact !== null).join(", ")})`;
}
